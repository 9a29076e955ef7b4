"""A thread that sends lines reads the answers to them by itself; the reader thread stands aside."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from robotq.drivers.gcode.position import Position
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.transport import PortOptions, Transport
from tests.drivers.transport.test_transport import Cable, Ear


class Host:
    """A transport, and on which threads its lines have come."""

    def __init__(self) -> None:
        self.cable = Cable()
        self.ear = Ear()
        self.threads: list[int] = []
        self.port = Transport(
            "robot",
            PortOptions(port=self.cable.name),
            on_line=self._on_line,
            on_lost=self.ear.on_lost,
        )
        self.port.open()

    def _on_line(self, line: bytes) -> None:
        self.threads.append(threading.get_ident())
        self.ear.on_line(line)

    def read(self, lines: int) -> None:
        """Read here until so many lines have come, on whatever thread."""
        while len(self.ear.lines) < lines:
            # the reader thread may have looked in a moment ago
            self.port.read_here(0.05, lambda: len(self.ear.lines) >= lines)


@pytest.fixture
def cable() -> Iterator[Cable]:
    one = Cable()
    yield one
    one.cut()


@pytest.fixture
def host() -> Iterator[Host]:
    one = Host()
    yield one
    one.port.shut()
    one.cable.cut()


def _device(cable: Cable, lines: int) -> threading.Thread:
    """Answers each line of four bytes."""

    def answer() -> None:
        for _ in range(lines):
            cable.says(b"ok " + cable.hears(4))

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


def test_reading_here__the_thread_that_sends_takes_the_answers(host: Host) -> None:
    device = _device(host.cable, 100)
    with host.port.reading_here():
        for number in range(100):
            host.port.write(b"%03d\n" % number)
            host.read(number + 1)
    device.join()
    assert host.ear.lines == [b"ok %03d" % number for number in range(100)]
    assert threading.get_ident() in host.threads


def test_reading_here__somebody_reads_also_while_that_thread_is_about_something_else(
    host: Host,
) -> None:
    with host.port.reading_here():
        host.cable.says(b"<Hold:0>\n")
        host.ear.wait(lines=1)
    assert host.threads != [threading.get_ident()]


def test_reading_here__a_stop_ends_its_wait(host: Host) -> None:
    asleep = threading.Event()
    came_back: list[bool | None] = []

    def nothing_yet() -> bool:
        asleep.set()
        return False

    def run() -> None:
        with host.port.reading_here():
            came_back.append(host.port.read_here(60, nothing_yet))

    command = threading.Thread(target=run)
    command.start()
    assert asleep.wait(20)
    host.port.write_now(b"!")
    host.port.wake()
    command.join(20)
    assert came_back == [True]
    assert host.cable.hears(1) == b"!"


def test_wake__of_a_channel_reaches_the_command_that_reads_the_answers(cable: Cable) -> None:
    channel = Channel("robot", PortOptions(port=cable.name), Position(), lambda _: None)
    channel.open()
    asleep = threading.Event()

    def nothing_yet() -> bool:
        asleep.set()
        return False

    def stream() -> None:
        with channel.transport.reading_here():
            channel.wait(60, unless=nothing_yet)

    command = threading.Thread(target=stream, daemon=True)
    command.start()
    assert asleep.wait(20)
    channel.wake()
    command.join(20)
    assert not command.is_alive(), "it waits for what the controller says"
    channel.transport.shut()


@pytest.mark.parametrize("end", ["cut", "lose", "close"])
def test_reading_here__the_link_ends_meanwhile(host: Host, end: str) -> None:
    waits = threading.Event()

    def nothing_yet() -> bool:
        waits.set()
        return False

    def ends() -> None:
        assert waits.wait(20)
        match end:
            case "cut":
                host.cable.cut()
            case "lose":
                host.port.lose("it is silent")
            case _:
                host.port.close()

    other = threading.Thread(target=ends)
    other.start()
    with host.port.reading_here():
        while host.port.read_here(60, nothing_yet) is not None:
            """It came back, and there is a link still."""
        other.join(20)
        assert not host.port.is_open
    assert len(host.ear.lost) == (end != "close")


def test_reading_here__behind_it_the_reader_thread_goes_on(host: Host) -> None:
    with host.port.reading_here():
        assert host.port.read_here(0, lambda: False) is False
    host.cable.says(b"ok\n")
    host.ear.wait(lines=1)
    assert host.port.read_here(60, lambda: False) is None
    assert host.threads != [threading.get_ident()]


def test_reading_here__is_for_one_thread(host: Host) -> None:
    others: list[bool | None] = []
    with host.port.reading_here():
        other = threading.Thread(
            target=lambda: others.append(host.port.read_here(60, lambda: False))
        )
        other.start()
        other.join(20)
    assert others == [None]


def test_reading_here__both_threads_take_turns_and_every_line_comes_once(host: Host) -> None:
    lines = [b"%05d" % number for number in range(2_000)]

    def say() -> None:
        for line in lines:
            host.cable.says(line + b"\r\n")

    device = threading.Thread(target=say)
    device.start()
    while len(host.ear.lines) < len(lines):
        with host.port.reading_here():
            for _ in range(5):
                host.port.read_here(0.001, lambda: False)
    device.join()
    assert host.ear.lines == lines
