"""The byte stream under a driver, over real pseudo-terminals, sockets and recordings."""

from __future__ import annotations

import os
import pty
import select
import socket
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.drivers.base import LinkLost
from robotq.drivers.reading import Section
from robotq.drivers.transport import Discarded, PortOptions, Transport, UsbId, read_port_options
from robotq.drivers.transport.lines import LineFramer
from robotq.drivers.transport.replay import ReplayPort
from robotq.model.errors import ConfigError


class Cable:
    """A pty whose far end is in the test's hands."""

    def __init__(self) -> None:
        self.far, near = pty.openpty()
        tty.setraw(near)
        self.name = os.ttyname(near)
        os.close(near)
        self._open = True

    def says(self, data: bytes) -> None:
        os.write(self.far, data)

    def hears(self, length: int) -> bytes:
        heard = b""
        while len(heard) < length:
            heard += os.read(self.far, length - len(heard))
        return heard

    def waits(self) -> None:
        """Wait until something has come that nobody has taken."""
        assert select.select([self.far], [], [], 20)[0], "nothing comes"

    def cut(self) -> None:
        if self._open:
            self._open = False
            os.close(self.far)


class Ear:
    """What a transport hands over."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.lost: list[str] = []
        self._changed = threading.Condition()

    def on_line(self, line: bytes) -> None:
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()

    def on_lost(self, reason: str) -> None:
        with self._changed:
            self.lost.append(reason)
            self._changed.notify_all()

    def wait(self, *, lines: int = 0, lost: int = 0) -> None:
        with self._changed:
            assert self._changed.wait_for(
                lambda: len(self.lines) >= lines and len(self.lost) >= lost, 5
            ), (self.lines, self.lost)


@pytest.fixture
def cable() -> Iterator[Cable]:
    one = Cable()
    yield one
    one.cut()


@pytest.fixture
def ear() -> Ear:
    return Ear()


def transport(ear: Ear, options: PortOptions, *, line_limit: int = 65_536) -> Transport:
    return Transport(
        "robot", options, on_line=ear.on_line, on_lost=ear.on_lost, line_limit=line_limit
    )


def test_lines__come_without_their_ends(cable: Cable, ear: Ear) -> None:
    port = transport(ear, PortOptions(port=cable.name))
    port.open()
    cable.says(b"ok\r\n\r\nGrbl 1.1h\nhalf")
    ear.wait(lines=3)
    cable.says(b" a line\n")
    ear.wait(lines=4)
    assert ear.lines == [b"ok", b"", b"Grbl 1.1h", b"half a line"]
    port.shut()
    assert ear.lost == []


def test_write__while_the_reader_waits(cable: Cable, ear: Ear) -> None:
    port = transport(ear, PortOptions(port=cable.name))
    port.open()
    port.write(b"G0 X1\n")
    assert cable.hears(6) == b"G0 X1\n"
    port.shut()


def test_write_now__overtakes_a_line_that_nobody_takes(cable: Cable, ear: Ear) -> None:
    port = transport(ear, PortOptions(port=cable.name))
    port.open()
    blob = b"x" * 200_000 + b"\n"
    writer = threading.Thread(target=port.write, args=(blob,))
    writer.start()
    cable.waits()
    stopper = threading.Thread(target=port.write_now, args=(b"\x18",))
    stopper.start()
    heard = b""
    while b"\x18" not in heard:
        heard += os.read(cable.far, 65_536)
    # far from the end of what the other thread is writing
    assert heard.index(b"\x18") < 50_000
    while len(heard) < len(blob) + 1:
        heard += os.read(cable.far, 65_536)
    writer.join(20)
    stopper.join(20)
    assert heard.replace(b"\x18", b"") == blob
    port.shut()


def test_write_now__with_discard_gives_the_line_up(cable: Cable, ear: Ear) -> None:
    port = transport(ear, PortOptions(port=cable.name))
    port.open()
    raised: list[BaseException] = []

    def write() -> None:
        try:
            port.write(b"x" * 200_000 + b"\n")
        except Discarded as error:
            raised.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    cable.waits()
    reading = threading.Thread(target=cable.hears, args=(1,))
    reading.start()
    port.write_now(b"\x18", discard=True)
    writer.join(20)
    assert len(raised) == 1
    reading.join(20)
    port.shut()


def test_two_writers__never_mix_their_lines(cable: Cable, ear: Ear) -> None:
    port = transport(ear, PortOptions(port=cable.name))
    port.open()
    line = {name: name * 500 + b"\n" for name in (b"a", b"b")}

    def write(data: bytes) -> None:
        for _ in range(20):
            port.write(data)

    threads = [threading.Thread(target=write, args=(data,)) for data in line.values()]
    for thread in threads:
        thread.start()
    heard = cable.hears(40 * 501)
    for thread in threads:
        thread.join(5)
    assert set(heard.splitlines(keepends=True)) == set(line.values())
    port.shut()


def test_cable_cut__is_told_once_and_writes_fail(cable: Cable, ear: Ear) -> None:
    port = transport(ear, PortOptions(port=cable.name))
    port.open()
    cable.cut()
    ear.wait(lost=1)
    assert not port.is_open
    with pytest.raises(LinkLost):
        port.write(b"G0 X1\n")
    with pytest.raises(LinkLost):
        port.write_now(b"!")
    assert len(ear.lost) == 1
    with pytest.raises(LinkLost):
        port.open()


def test_open__again_after_the_device_came_back_under_another_name(
    ear: Ear, tmp_path: Path
) -> None:
    first, second = Cable(), Cable()
    (tmp_path / "usb-robot-1").symlink_to(first.name)
    port = transport(ear, PortOptions(port=str(tmp_path / "usb-robot-*")))
    port.open()
    first.cut()
    ear.wait(lost=1)
    (tmp_path / "usb-robot-1").unlink()
    with pytest.raises(LinkLost, match="no port fits"):
        port.open()
    (tmp_path / "usb-robot-2").symlink_to(second.name)
    port.open()
    second.says(b"hello\n")
    ear.wait(lines=1)
    assert port.port_name == str(tmp_path / "usb-robot-2")
    (tmp_path / "usb-robot-3").symlink_to(second.name)
    with pytest.raises(LinkLost, match="more than one port fits"):
        port.open()
    port.shut()
    second.cut()


def test_open__waits_until_the_loss_of_before_was_told(tmp_path: Path) -> None:
    """A command learns of a lost link by an exception, and the next connect is there at once: the
    loss that is told late must not be taken for one of the new link."""
    told: list[str] = []
    hearing, go_on = threading.Event(), threading.Event()

    def slowly(reason: str) -> None:
        hearing.set()
        go_on.wait(10)
        told.append(reason)

    first, second = Cable(), Cable()
    (tmp_path / "usb-robot").symlink_to(first.name)
    options = PortOptions(port=str(tmp_path / "usb-robot"))
    port = Transport("robot", options, on_line=lambda _: None, on_lost=slowly)
    port.open()
    first.cut()
    assert hearing.wait(10)
    with pytest.raises(LinkLost):
        port.write(b"G1 X1\n")
    (tmp_path / "usb-robot").unlink()
    (tmp_path / "usb-robot").symlink_to(second.name)

    def open_again() -> None:
        port.open()
        told.append("open")

    opener = threading.Thread(target=open_again)
    opener.start()
    opener.join(0.02)
    assert told == []
    go_on.set()
    opener.join(10)
    assert told[1:] == ["open"]
    assert port.is_open
    port.shut()
    second.cut()


def test_open__a_port_that_another_program_has(cable: Cable, ear: Ear) -> None:
    port, other = (transport(ear, PortOptions(port=cable.name)) for _ in range(2))
    port.open()
    with pytest.raises(LinkLost, match="another program has it open"):
        other.open()
    port.close()
    other.open()
    other.shut()


@pytest.mark.parametrize("name", ["/dev/ttyNOWHERE", "nonsense://here", "socket://127.0.0.1:1"])
def test_open__what_is_not_there(ear: Ear, name: str) -> None:
    port = transport(ear, PortOptions(port=name))
    with pytest.raises(LinkLost):
        port.open()
    assert not port.is_open


def test_open__by_usb_ids_that_no_device_has(ear: Ear) -> None:
    port = transport(ear, PortOptions(usb=UsbId(vendor=0x2341, serial_number="robotq-no-such")))
    with pytest.raises(LinkLost, match="no port is a USB device with vendor 2341"):
        port.open()


def test_socket__is_a_port_too(ear: Ear) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = transport(ear, PortOptions(port=f"socket://127.0.0.1:{server.getsockname()[1]}"))
        port.open()
        far, _ = server.accept()
        with far:
            port.write(b"M105\n")
            assert far.recv(100) == b"M105\n"
            far.sendall(b"ok\n")
            ear.wait(lines=1)
        ear.wait(lost=1)
        port.shut()


def test_loop__a_port_without_a_file_descriptor(ear: Ear) -> None:
    port = transport(ear, PortOptions(port="loop://"))
    port.open()
    port.write(b"to and fro\n")
    ear.wait(lines=1)
    port.write_now(b"stop\n", discard=True)
    ear.wait(lines=2)
    assert ear.lines == [b"to and fro", b"stop"]
    port.shut()


def test_overlong_line__is_left_out_and_counted(cable: Cable, ear: Ear) -> None:
    port = transport(ear, PortOptions(port=cable.name), line_limit=10)
    port.open()
    cable.says(b"x" * 100 + b"\nshort\n")
    ear.wait(lines=1)
    assert ear.lines == [b"short"]
    assert port.dropped_lines == 1
    port.shut()


def test_driver_that_fails_on_a_line__breaks_the_link(cable: Cable, ear: Ear) -> None:
    def fail(line: bytes) -> None:
        raise ValueError(line)

    port = Transport("robot", PortOptions(port=cable.name), on_line=fail, on_lost=ear.on_lost)
    port.open()
    cable.says(b"what\n")
    ear.wait(lost=1)
    assert "the driver failed on what the device said" in ear.lost[0]
    port.shut()


def test_hupcl__is_cleared(cable: Cable, ear: Ear) -> None:
    import termios  # noqa: PLC0415 - not on every system

    port = transport(ear, PortOptions(port=cable.name))
    port.open()
    with open(cable.name, "rb", buffering=0) as near:  # noqa: PTH123 - a device, not a file
        assert not termios.tcgetattr(near)[2] & termios.HUPCL
    port.shut()


# -- recording and replay ----------------------------------------------------------------------


def _recorded(cable: Cable, ear: Ear, path: Path) -> None:
    port = transport(ear, PortOptions(port=cable.name, record=path))
    port.open()
    port.write(b"$I\n")
    assert cable.hears(3) == b"$I\n"
    cable.says(b"[VER:1.1h]\r\nok\r\n")
    ear.wait(lines=2)
    port.write(b"G0 X\xe4\n")
    cable.hears(6)
    cable.says(b"error:2\n")
    ear.wait(lines=3)
    port.shut()


def test_replay__says_again_what_was_recorded(cable: Cable, ear: Ear, tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    _recorded(cable, ear, path)
    again = Ear()
    port = transport(again, PortOptions(replay=path))
    port.open()
    port.write(b"$")
    port.write(b"I\n")
    again.wait(lines=2)
    assert again.lines == [b"[VER:1.1h]", b"ok"]
    port.write(b"G0 X\xe4\n")
    again.wait(lines=3)
    assert again.lines == ear.lines
    port.shut()


def test_replay__of_a_driver_that_says_something_else(
    cable: Cable, ear: Ear, tmp_path: Path
) -> None:
    path = tmp_path / "wire.jsonl"
    _recorded(cable, ear, path)
    again = Ear()
    port = transport(again, PortOptions(replay=path))
    port.open()
    with pytest.raises(LinkLost, match=r"sent b'\$H"):
        port.write(b"$H\n")
    assert len(again.lost) == 1


def test_replay__leaves_out_what_depends_on_time(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    path.write_text('{"open":"x","t":0}\n{"out":"?G0\\n","t":1}\n{"in":"ok\\n","t":2}\n')
    port = ReplayPort(path, ignored=b"?")
    assert port.write_some(memoryview(b"G0?\n??")) == 6
    assert port.read() == b"ok\n"
    assert port.finished


def test_recording_cut_short_by_a_kill__is_gone_on_with_and_read_up_to_there(
    cable: Cable, ear: Ear, tmp_path: Path
) -> None:
    path = tmp_path / "wire.jsonl"
    cut = b'{"open":"x","t":0}\n{"out":"?G0\\n","t":1}\n{"in":"o'
    path.write_bytes(cut)
    _recorded(cable, ear, path)
    assert path.read_bytes().startswith(cut + b'\n{"open":')
    port = ReplayPort(path, ignored=b"?")
    assert port.write_some(memoryview(b"G0\n")) == 3
    assert port.finished


def test_replay__of_what_is_no_recording(ear: Ear, tmp_path: Path) -> None:
    port = transport(ear, PortOptions(replay=tmp_path / "nothing.jsonl"))
    with pytest.raises(LinkLost):
        port.open()


# -- options and lines ---------------------------------------------------------------------------


def _read(**options: object) -> PortOptions:
    return read_port_options(Section(options, lambda _: "options"))


def test_options__one_port(tmp_path: Path) -> None:
    assert _read(port="COM3").port == "COM3"
    usb = _read(usb={"vendor": "2341", "product": "0043", "serial_number": "55"}).usb
    assert usb == UsbId(vendor=0x2341, product=0x43, serial_number="55")
    assert _read(replay=str(tmp_path)).replay == tmp_path


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "expected one of port, usb and replay, found none of them"),
        ({"port": "a", "usb": {"vendor": "2341"}}, "found port and usb"),
        ({"usb": {}}, "expected a vendor, a product or a serial_number"),
        ({"usb": {"vendor": 2341}}, "expected a text"),
        ({"usb": {"vendor": "x341"}}, "four hexadecimal digits"),
        ({"port": "a", "data_bits": 9}, "a whole number from 7 to 8"),
        ({"port": "a", "parity": "mark"}, "one of none, even, odd"),
    ],
)
def test_options__that_make_no_sense(options: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        _read(**options)


def test_framer__the_same_lines_however_the_stream_is_cut() -> None:
    stream = b"one\r\n\ntwo\n" + b"y" * 30 + b"\nthree\nrest"
    whole: list[bytes] = []
    LineFramer(whole.append, limit=10).feed(stream)
    for size in range(1, 12):
        pieces: list[bytes] = []
        framer = LineFramer(pieces.append, limit=10)
        for at in range(0, len(stream), size):
            framer.feed(stream[at : at + size])
        assert pieces == whole == [b"one", b"", b"two", b"three"]
        assert framer.dropped == 1


def test_socket__is_closed_in_order_after_its_last_line(ear: Ear) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = transport(ear, PortOptions(port=f"socket://127.0.0.1:{server.getsockname()[1]}"))
        port.open()
        far, _ = server.accept()
        with far:
            port.write(b"OUTP OFF\n")
            port.shut()
            assert far.recv(100) == b"OUTP OFF\n"
    assert ear.lost == []


def test_socket__sends_a_line_at_once(ear: Ear) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = transport(ear, PortOptions(port=f"socket://127.0.0.1:{server.getsockname()[1]}"))
        port.open()
        assert port._wire.port is not None
        fd = port._wire.port._fd  # type: ignore[attr-defined]
        with socket.socket(fileno=os.dup(fd)) as near:
            # else a stop waits until the other end has confirmed the line before it
            assert near.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        port.shut()
