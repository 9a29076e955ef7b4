"""What genuine controllers of the GRBL family do and an obliging one would not.

Each of these was observed on Grbl 1.1h, grblHAL or FluidNC, or stands in their documentation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from robotq.drivers import grbl
from robotq.drivers.base import DriverError, LinkLost, Stopped
from robotq.drivers.grbl.protocol import Status, parse
from robotq.testing.emulators import GrblEmulator
from robotq.testing.emulators.faults import Fault
from robotq.testing.emulators.grbl import Dialect
from tests.drivers.gcode.bench import Bench, bench, square, until


class Odd(GrblEmulator):
    """A controller that is in a state of its own: `odd` is what its reports say."""

    odd: str | None = None
    deaf = False
    """It acts upon a reset, and upon nothing else."""

    def _state(self) -> str:
        return self.odd or super()._state()

    def _act(self, byte: int) -> None:
        if byte == 0x18:
            self._alarm = self._alarm or self.deaf or self.odd == "Sleep"
            self.odd, self.deaf = None, False
        elif self.deaf:
            return
        super()._act(byte)

    def _blocked(self, now: float) -> bool:
        return self.deaf or self.odd is not None or super()._blocked(now)


def run_in_state(folder: Path, state: str, steps: Callable[[Bench, Odd], None]) -> None:
    with (
        Odd(folder / "ttyUSB0", speed=100) as device,
        bench(grbl.create, folder, device.port, answer_timeout_s=0.4, silence_s=0.6) as robot,
    ):
        device.odd = state
        until(lambda: robot.driver.status().details["state"] == state.partition(":")[0])
        steps(robot, device)


def test_dwell_after_a_long_motion__is_no_lost_answer(tmp_path: Path) -> None:
    with (
        GrblEmulator(tmp_path / "ttyUSB0") as device,
        bench(grbl.create, tmp_path, device.port, answer_timeout_s=0.3) as robot,
    ):
        # while it dwells, it says that it is idle; its last answer was the one to the motion
        robot.run(["G1 X10 F600", "G4 P0.6", "G1 X0 F6000"])
        assert device.axes.position == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("dialect", Dialect)
def test_unlock__is_followed_by_a_motion_at_once(tmp_path: Path, dialect: Dialect) -> None:
    with (
        GrblEmulator(tmp_path / "ttyUSB0", dialect=dialect, homing=True, speed=100) as device,
        bench(grbl.create, tmp_path, device.port) as robot,
    ):
        for _ in range(5):
            robot.do([{"unlock": True}, {"gcode": "G0 X5"}, {"gcode": "G0 X0"}])
            device.order(device.alarmed)
        assert device.taken.count("G0 X5") == 5


def test_line_that_writes_the_eeprom__is_alone_on_its_way(tmp_path: Path) -> None:
    class Forgetful(GrblEmulator):
        """It hears nothing while it writes its EEPROM."""

        def _ok(self, line: str, fault: Fault | None) -> None:
            if "G54" in line:
                time.sleep(0.03)
                self.unheard += self._port.read(0.0)
            super()._ok(line, fault)

        unheard = b""

    lines = [*square(10), "G54", *square(10), "G54", *square(10)]
    with (
        Forgetful(tmp_path / "ttyUSB0", speed=100) as device,
        bench(grbl.create, tmp_path, device.port, answer_timeout_s=0.5) as robot,
    ):
        robot.run(lines)
        assert device.unheard.replace(b"?", b"") == b""
        assert [line for line in device.taken if line in lines] == lines


def test_asleep__it_is_woken_by_unlock_and_moves_before_that_no_bit(tmp_path: Path) -> None:
    def asleep(robot: Bench, device: Odd) -> None:
        with pytest.raises(DriverError, match="locked by an alarm"):
            robot.run(["G0 X1"])
        assert "G0 X1" not in device.taken
        robot.do([{"unlock": True}])
        robot.run(["G0 X1"])
        assert device.axes.position[0] == 1.0

    run_in_state(tmp_path, "Sleep", asleep)


def test_check_mode__completes_nothing_that_has_not_moved(tmp_path: Path) -> None:
    def checking(robot: Bench, device: Odd) -> None:
        with pytest.raises(DriverError, match="nothing would move"):
            robot.run(["G0 X1"])
        assert device.taken == ["$$", "$I", "$I"]

    run_in_state(tmp_path, "Check", checking)


def test_stop__with_the_door_still_open(tmp_path: Path) -> None:
    def ajar(robot: Bench, device: Odd) -> None:
        device.odd = None
        running = robot.start_program(square(200, feed=600))
        until(lambda: bool(device.axes.moved))
        device.order(device.axes.hold)
        device.odd = "Door:1"
        until(lambda: robot.driver.status().details["state"] == "Door")
        robot.driver.stop()
        with pytest.raises(Stopped):
            running.result()

    run_in_state(tmp_path, "Door:1", ajar)


def test_limit_switch_that_was_hit_by_hand__lets_the_link_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # nothing answers here before the reset, so there is no answer to be too early for
    monkeypatch.setattr("robotq.drivers.grbl.connect._ANSWER_S", 0.5)
    with (
        Odd(tmp_path / "ttyUSB0", speed=100) as device,
        bench(grbl.create, tmp_path, device.port, silence_s=0.3) as robot,
    ):
        # it takes nothing but a reset then, and no longer says how it is
        device.order(lambda: device.say("ALARM:1"))
        device.deaf = True
        until(lambda: robot.driver.status().link == "disconnected")
        robot.driver.connect()
        status = robot.driver.status()
        assert not status.position_known
        assert "limit switch" in status.details["position_unknown_because"]
        robot.do([{"unlock": True}])
        robot.run(["G0 X1"])


def test_emergency_stop_while_the_link_is_down__comes_first_when_it_is_back(
    tmp_path: Path,
) -> None:
    with (
        GrblEmulator(tmp_path / "ttyUSB0") as device,
        bench(grbl.create, tmp_path, device.port) as robot,
    ):
        running = robot.start_program(square(200, feed=600))
        until(lambda: bool(device.axes.moved))
        device.unplug()
        with pytest.raises(LinkLost):
            running.result()
        with pytest.raises(LinkLost):
            robot.driver.emergency_stop()
        device.replug()
        until(lambda: device.axes.moving)
        robot.driver.connect()
        assert not device.axes.moving
        assert device.urgent_bytes[0][1] == 0x18
        assert not robot.driver.status().position_known
        robot.driver.reset()


def test_empty_eeprom__its_answers_at_the_start_belong_to_no_line(tmp_path: Path) -> None:
    class Empty(GrblEmulator):
        def boot(self) -> None:
            super().boot()
            for text in ("error:7", "$0=10", "$1=25"):
                self.say(text)

        def _greet(self) -> None:
            super()._greet()
            self.say(">:error:7")
            self.say(">G21:ok")

    with (
        Empty(tmp_path / "ttyUSB0", speed=100) as device,
        bench(grbl.create, tmp_path, device.port) as robot,
    ):
        device.reboot()
        until(lambda: "anew" in str(robot.driver.status().details))
        robot.do([{"unlock": True}])
        robot.run(square(30))


def test_fluidnc__explains_an_error_after_it_and_in_the_next_answer(tmp_path: Path) -> None:
    class Talkative(GrblEmulator):
        def _error(self, number: int, line: str) -> None:
            super()._error(number, line)
            self.say(f"[MSG:ERR: Bad GCode: {line}]")

    with (
        Talkative(tmp_path / "ttyUSB0", dialect=Dialect.FLUIDNC, speed=100) as device,
        bench(grbl.create, tmp_path, device.port, allow=["G999"]) as robot,
    ):
        assert robot.driver.status().details["firmware"] == (
            "Grbl 4.0 FluidNC v4.0.5-pre2 (linux-capture)"
        )
        with pytest.raises(DriverError, match="line 2, 'G999': error:20"):
            robot.run(["G0 X1", "G999", *square(40)])
        robot.run(square(40))


def test_greeting_that_takes_its_time(tmp_path: Path) -> None:
    class Slow(GrblEmulator):
        def boot(self) -> None:
            super().boot()
            self._silent_until = self.now() + 1.2

    with (
        Slow(tmp_path / "ttyUSB0", speed=100) as device,
        bench(grbl.create, tmp_path, device.port) as robot,
    ):
        robot.run(square(10))
        assert robot.driver.status().position_known


def test_unlock__after_a_start_of_the_controller_is_no_homing(tmp_path: Path) -> None:
    with (
        GrblEmulator(tmp_path / "ttyUSB0", homing=True, speed=100) as device,
        bench(grbl.create, tmp_path, device.port, homing_required=True) as robot,
    ):
        robot.do([{"home": True}, {"gcode": "G0 X1"}])
        device.reboot()
        until(lambda: not robot.driver.status().position_known)
        robot.do([{"unlock": True}])
        with pytest.raises(DriverError, match="HOME first"):
            robot.run(["G0 X2"])
        robot.do([{"home": True}, {"gcode": "G0 X2"}])
        assert device.taken[-3:-2] == ["G0 X2"]


@pytest.mark.parametrize(
    "report",
    [
        b"<Hold:0|MPos:1.000,2.000,0.000|Bf:100,1023|FS:78,0|Pn:XZ|A:|TLR:0|H:0>",
        b"<Hold:0|WPos:1.000,2.000,0.000|FS:0,0,0|SD:12.3,/a.nc|Ov:100,100,100|T:3|In:-1>",
        b"<Hold:0|MPos:1.000,2.000,0.000,4.000|F:0|FW:grblHAL|G59.3:1>",
    ],
)
def test_report__with_fields_of_its_own(report: bytes) -> None:
    status = parse(report)
    assert isinstance(status, Status)
    assert status.rests
    assert ((status.machine_mm or status.work_mm) or ())[:2] == (1.0, 2.0)
