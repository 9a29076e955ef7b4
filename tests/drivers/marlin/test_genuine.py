"""What genuine Marlin does and an obliging controller would not, and noise on what it says.

Each of these was observed on Marlin 2.1.2, or stands in its source.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from robotq.drivers import marlin
from robotq.drivers.base import DriverError, LinkLost, Stopped
from robotq.drivers.patience import Turns
from robotq.testing.emulators import Fault, FaultKind, Faults, MarlinEmulator
from tests.drivers.gcode.bench import Bench, bench, channel_of, square, until
from tests.slices import some

LINES = square(60)


def start_anew(device: MarlinEmulator, robot: Bench) -> None:
    """A start is told in several lines, and each of them is one: what begins between them is
    broken off."""
    device.reboot()
    until(lambda: any("M204" in text for text in channel_of(robot).told()))
    assert not robot.driver.status().position_known


class Noisy(MarlinEmulator):
    """`damage` changes what it says, line by line."""

    damage: Callable[[str], str] = str

    def say(self, text: str) -> None:
        super().say(self.damage(text))


class Once:
    """Damages the first line that begins so, and no other."""

    def __init__(self, begins: str, damage: Callable[[str], str]) -> None:
        self._begins = begins
        self._damage = damage
        self.done = 0

    def __call__(self, text: str) -> str:
        if self.done or not text.startswith(self._begins):
            return text
        self.done += 1
        return self._damage(text)


def motions(device: MarlinEmulator) -> list[str]:
    return [line for line in device.taken if line.lstrip("0123456789 ").startswith("G1")]


def carried_out(folder: Path, device: Noisy, damage: Once | None = None, **options: object) -> None:
    """The whole program, each line once, in spite of the damage; and the next one after it."""
    options = {"answer_timeout_s": 1.2, **options}
    with device, bench(marlin.create, folder, device.port, **options) as robot:
        robot.run(LINES[:1])
        if damage is not None:
            device.damage = damage
        robot.run(LINES)
        assert damage is None or damage.done, "or nothing was tried"
        assert motions(device) == [LINES[0], *LINES]
        robot.run(LINES[:1])
        assert device.overflowed == 0


@pytest.mark.parametrize("window", some([4, 1], 1))
@pytest.mark.parametrize("emergency_parser", [True, False])
def test_report_that_got_lost__is_asked_for_again(
    tmp_path: Path, emergency_parser: bool, window: int
) -> None:
    device = Noisy(tmp_path / "ttyUSB0", speed=100, emergency_parser=emergency_parser)
    carried_out(tmp_path, device, Once("X:", lambda text: "ok" + text), window=window)


@pytest.mark.parametrize(
    ("begins", "damage"),
    [
        ("Resend:", lambda text: text.replace("s", "z")),
        ("Resend:", lambda text: text + "9"),
        ("Resend:", lambda _: "Resend: 1"),
        ("Resend:", lambda text: text.replace("Resend: ", "Resend: -")),
        ("Error:checksum", lambda text: "rror" + text),
        ("Error:checksum", lambda _: "Error:checksum mismatch, Last Line: 0"),
    ],
)
@pytest.mark.parametrize("window", some([4, 1], 1))
def test_request_for_a_line__that_is_damaged_itself(
    tmp_path: Path, window: int, begins: str, damage: Callable[[str], str]
) -> None:
    faults = Faults([Fault(kind=FaultKind.CORRUPT, line=LINES[20].split()[1], nth=1)])
    device = Noisy(tmp_path / "ttyUSB0", speed=100, faults=faults)
    carried_out(tmp_path, device, Once(begins, damage), window=window)


@pytest.mark.parametrize("chatter", ["wait", " T:19.37 /0.00 B:20.00 /0.00 @:0 B@:0"])
def test_answer_that_got_lost__while_the_controller_chatters(tmp_path: Path, chatter: str) -> None:
    class Chattering(Noisy):
        def work(self) -> float:
            if self.now() > self.told + 0.05:
                self.told = self.now()
                self.say(chatter)
            return min(0.05, super().work())

        told = 0.0

    faults = Faults([Fault(kind=FaultKind.LOSE_ANSWER, line=LINES[20].split()[1])])
    carried_out(tmp_path, Chattering(tmp_path / "ttyUSB0", speed=100, faults=faults))


@pytest.mark.parametrize("window", some([4, 1], 1))
def test_answers_that_got_lost__of_as_many_lines_as_may_be_on_their_way(
    tmp_path: Path, window: int
) -> None:
    lost = [line.split()[1] for line in LINES[20:26]]
    faults = Faults([Fault(kind=FaultKind.LOSE_ANSWER, line=line) for line in lost])
    carried_out(tmp_path, Noisy(tmp_path / "ttyUSB0", speed=100, faults=faults), window=window)


def test_line_that_lost_its_first_letter__is_no_unknown_command(tmp_path: Path) -> None:
    class Clipping(Noisy):
        clipped = 0

        def take(self, data: bytes) -> None:
            at = data.find(b"N" + b"23 ")
            if at >= 0 and b" G1" in data and not self.clipped:
                self.clipped += 1
                data = data[:at] + data[at + 1 :]
            super().take(data)

    device = Clipping(tmp_path / "ttyUSB0", speed=100)
    carried_out(tmp_path, device)
    assert device.clipped


def test_line_under_way_behind_a_damaged_one__is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    class Cutting(Noisy):
        """It throws away what it has received, and not what is still to be received."""

        refused_at = -1.0

        def say(self, text: str) -> None:
            super().say(text)
            if text.startswith("Resend:"):
                self.refused_at = self.now()

        def take(self, data: bytes) -> None:
            for line in data.splitlines(keepends=True):
                cut = self.now() < self.refused_at + 0.02
                super().take(line.partition(b" ")[2] if cut else line)
                self.work()

    faults = Faults(seed=3, rate=0.2, kinds=[FaultKind.CORRUPT, FaultKind.DROP])
    device = Cutting(tmp_path / "ttyUSB0", speed=100, faults=faults)
    with device, bench(marlin.create, tmp_path, device.port, answer_timeout_s=1.2) as robot:
        robot.run(LINES)
        assert motions(device) == LINES
    assert len(faults.happened) > 5


def test_stop__takes_a_second_in_which_nothing_is_answered(tmp_path: Path) -> None:
    with (
        MarlinEmulator(tmp_path / "ttyUSB0") as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        running = robot.start_program(square(200, feed=600))
        until(lambda: bool(device.axes.moved))
        # on a busy machine, what the process did not get does not count
        turns = Turns(0.01)
        began = turns.now()
        robot.driver.stop()
        until(lambda: turns.now() > began + 4 or running.over, timeout_s=60)
        assert running.over
        with pytest.raises(Stopped):
            running.result()
        # with a full planner, one M410 alone lets another motion through
        assert [code for _, code in device.stops].count("M410") >= 3


def test_motion_before_homing__is_refused_although_it_is_acknowledged(tmp_path: Path) -> None:
    class Careful(MarlinEmulator):
        def _move(self, *args: object) -> None:
            self.say("echo:Home XYZ First")
            self.answer("ok")

    with (
        Careful(tmp_path / "ttyUSB0") as device,
        bench(marlin.create, tmp_path, device.port) as robot,
        pytest.raises(DriverError, match="line 1, echo:Home XYZ First"),
    ):
        robot.run(["G1 X1"])


@pytest.mark.parametrize("lost", ["start", "echo: Marlin"])
def test_start_between_two_commands__shows_in_any_of_its_lines(tmp_path: Path, lost: str) -> None:
    with (
        Noisy(tmp_path / "ttyUSB0", speed=100) as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        robot.run(LINES[:3])
        device.damage = lambda text: "\xff\xfe" if text.startswith(lost) else text
        start_anew(device, robot)
        with pytest.raises(DriverError, match="the position is not known"):
            robot.run(LINES[:3])
        assert len(motions(device)) == 3


def test_jog_that_was_broken_off__leaves_no_relative_coordinates(tmp_path: Path) -> None:
    with (
        MarlinEmulator(tmp_path / "ttyUSB0") as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        running = robot.start([{"jog": "X100 F600"}])
        until(lambda: device.axes.moving)
        robot.driver.stop()
        with pytest.raises(Stopped):
            running.result()
        robot.do([{"unlock": True}, {"gcode": "G1 X2 F6000"}])
        assert device.axes.position[0] == 2.0


@pytest.mark.parametrize("code", ["G28.1", "G30.1", "M3.7"])
def test_code_that_it_would_take_for_another_one__is_refused(tmp_path: Path, code: str) -> None:
    with (
        MarlinEmulator(tmp_path / "ttyUSB0") as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        with pytest.raises(DriverError, match=f"{code} is refused"):
            robot.run(["G1 X1", code])
        robot.run(["G1.0 X1", "G92.1"])
        assert "G28" not in str(device.taken)


def test_emergency_stop_while_the_link_is_down__comes_first_when_it_is_back(
    tmp_path: Path,
) -> None:
    with (
        MarlinEmulator(tmp_path / "ttyUSB0") as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        running = robot.start_program(square(200, feed=600))
        until(lambda: len(device.axes.blocks) > 5)
        device.unplug()
        with pytest.raises(LinkLost):
            running.result()
        with pytest.raises(LinkLost):
            robot.driver.emergency_stop()
        device.replug()
        until(lambda: device.axes.moving)
        robot.driver.connect()
        assert not device.axes.moving
        assert not robot.driver.status().position_known


def test_boot_text__in_any_order_and_slowly(tmp_path: Path) -> None:
    class Slow(MarlinEmulator):
        def boot(self) -> None:
            super().boot()
            self.clean = self.now() + 1.0

        clean = 0.0

        def work(self) -> float:
            if self.now() < self.clean:
                self.say("echo:SD card ok")
                return 0.3
            return super().work()

    with (
        Slow(tmp_path / "ttyUSB0", speed=100) as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        robot.run(LINES)
        assert robot.driver.capabilities.stop_out_of_band


def test_halt__shows_in_its_first_line_too(tmp_path: Path) -> None:
    with (
        Noisy(tmp_path / "ttyUSB0", speed=1) as device,
        bench(marlin.create, tmp_path, device.port, emergency="M112") as robot,
    ):
        device.damage = lambda text: "" if text.startswith("Error:Printer halted") else text
        running = robot.start_program(square(100, feed=600))
        until(lambda: bool(device.axes.moved))
        robot.driver.emergency_stop()
        with pytest.raises(Stopped):
            running.result()
        assert device.halted


def test_unlock__after_a_start_of_the_controller_is_no_homing(tmp_path: Path) -> None:
    with (
        MarlinEmulator(tmp_path / "ttyUSB0", speed=100) as device,
        bench(marlin.create, tmp_path, device.port, homing_required=True) as robot,
    ):
        robot.do([{"home": True}, {"gcode": "G0 X1"}])
        start_anew(device, robot)
        robot.do([{"unlock": True}])
        with pytest.raises(DriverError, match="HOME first"):
            robot.run(["G0 X2"])


def test_answers_with_numbers__keep_count_whatever_gets_lost_or_doubled(tmp_path: Path) -> None:
    class Advanced(Noisy):
        """Built with ADVANCED_OK."""

        def answer(self, text: str, fault: Fault | None = None) -> None:
            super().answer(f"ok N{self.intake.last} P15 B3" if text == "ok" else text, fault)

    kinds = [FaultKind.LOSE_ANSWER, FaultKind.DOUBLE_ANSWER]
    faults = Faults(seed=1, rate=0.1, kinds=kinds)
    device = Advanced(tmp_path / "ttyUSB0", speed=100, faults=faults)
    carried_out(tmp_path, device)
    assert {kind for kind, _ in faults.happened} == set(kinds)
