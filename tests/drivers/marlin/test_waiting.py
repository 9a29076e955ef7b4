"""A board that waits for a person, or is at work, when robotq comes: what is told, and what is
sent to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import marlin
from robotq.drivers.base import DriverError, LinkState, NotUnderstood, WrongDevice
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.testing.emulators import MarlinEmulator
from tests.drivers.gcode.bench import Bench, until

Make = Callable[..., tuple[MarlinEmulator, Bench]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A board that carries out `given` from its card, and a driver that is not connected yet."""
    with ExitStack() as stack:

        def made(
            given: str, options: dict[str, Any] | None = None, **device: Any
        ) -> tuple[MarlinEmulator, Bench]:
            device.setdefault("busy_s", 0.2)
            emulator = stack.enter_context(MarlinEmulator(tmp_path / "ttyUSB0", **device))
            for line in given.split("; "):
                emulator.given(line)
            emulator.heard = b""
            port = f"{tmp_path}/ttyUSB*"
            robot = Bench(marlin.create, tmp_path, port, options or {})
            stack.callback(robot.driver.close)
            return emulator, robot

        yield made


def _moves(robot: Bench) -> JsonObject:
    return robot.driver.immediate(Command(cmd_type="GET_ROBOT_MOTION_STATE", params={}))


def _asked_only(device: MarlinEmulator) -> bool:
    """Nothing has come but the question who it is; and hardly more than once."""
    lines = [line for line in device.heard.split(b"\n") if line]
    return all(b"M110" in line for line in lines) and len(lines) <= 2


def test_board_that_waits_for_a_person__says_so_and_gets_nothing_more(make: Make) -> None:
    device, robot = make("M0; G1 X5 F6000")
    robot.driver.connect()
    assert robot.links[-1][0] is LinkState.CONNECTED
    status = robot.driver.status()
    assert (status.link, status.held) == (LinkState.CONNECTED, True)
    assert status.held_because == "reason.paused_for_user"
    assert not status.position_known
    assert _moves(robot)["motion"] == "held"
    heard = len(device.heard)
    time.sleep(1.0)
    assert len(device.heard) == heard
    assert _asked_only(device)
    assert robot.driver.status().held


def test_board_that_waits_for_a_person__goes_on_by_a_persons_resume(make: Make) -> None:
    device, robot = make("M0; G1 X5 F6000", speed=10)
    robot.driver.connect()
    robot.driver.resume()
    assert device.stops[-1][1] == "M108"
    assert device.heard.count(b"M108") == 1
    status = robot.driver.status()
    assert not status.held
    # who it is was asked before anything else
    assert "Marlin" in status.details["firmware"]
    assert robot.driver.capabilities.stop_out_of_band
    robot.run(["G1 X1 F6000"])
    assert device.axes.position[0] == 1.0
    assert device.axes.moved == ["G1 X5 F6000", "G1 X1 F6000"]


@pytest.mark.parametrize("emergency_parser", [True, False])
def test_board_that_waits_for_a_person__goes_on_by_its_button(
    make: Make, emergency_parser: bool
) -> None:
    device, robot = make("M1", emergency_parser=emergency_parser, speed=10)
    robot.driver.connect()
    assert robot.driver.status().held
    device.press_button()
    until(lambda: not robot.driver.status().held)
    assert b"M108" not in device.heard
    robot.run(["G1 X1 F6000"])


def test_board_that_waits_for_a_person__without_emergency_parser_waits_for_its_button(
    make: Make,
) -> None:
    device, robot = make("M0", emergency_parser=False, speed=10)
    robot.driver.connect()
    with pytest.raises(DriverError, match="press"):
        robot.driver.resume()
    assert robot.driver.status().held
    assert device.intake.overflowed == 0
    device.press_button()
    until(lambda: not robot.driver.status().held)


def test_board_that_waits_for_a_person__twice_needs_two_resumes(make: Make) -> None:
    device, robot = make("M0; M0")
    robot.driver.connect()
    with pytest.raises(DriverError, match="waits for a person"):
        robot.driver.resume()
    assert robot.driver.status().held
    robot.driver.resume()
    assert not robot.driver.status().held
    assert device.heard.count(b"M108") == 2


def test_board_that_waits_for_a_person__takes_no_command(make: Make) -> None:
    device, robot = make("M0", speed=10)
    robot.driver.connect()
    with pytest.raises(DriverError, match="waits for a person"):
        robot.run(["G1 X1 F6000"])
    assert _asked_only(device)
    assert not device.axes.moved


def test_board_that_waits_for_a_person__is_not_let_go_during_an_emergency_stop(
    make: Make,
) -> None:
    device, robot = make("M0; G1 X5 F6000", speed=10)
    robot.driver.connect()
    robot.driver.emergency_stop()
    with pytest.raises(DriverError, match="emergency stop"):
        robot.driver.resume()
    until(lambda: not robot.driver.status().held)
    # the stop has ended its pause, and what came behind it
    assert device.axes.moved == []
    robot.driver.reset()


def test_board_that_may_be_another_one__is_let_go_at_the_machine_only(make: Make) -> None:
    device, robot = make("M0; G1 X5 F6000", {"identity": "gantry"}, machine="mill", speed=10)
    robot.driver.connect()
    with pytest.raises(DriverError, match="press its button"):
        robot.driver.resume()
    assert b"M108" not in device.heard
    device.press_button()
    until(lambda: robot.driver.status().link is LinkState.DISCONNECTED)
    assert "another machine" in robot.links[-1][1]
    with pytest.raises(WrongDevice):
        robot.driver.connect()


def test_board_that_waits_without_a_word__is_told_as_what_it_may_be(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robotq.drivers.marlin.connect._CONNECT_S", 0.8)
    device, robot = make("M0", busy_s=None, speed=10)
    # until its buffer overflows
    for _ in range(5):
        with pytest.raises(NotUnderstood, match="waits for a person") as refused:
            robot.driver.connect()
        assert refused.value.what == "silent"
    assert all(b"M110" in line for line in device.heard.split(b"\n") if line)
    device.press_button()
    robot.driver.connect()
    robot.run(["G1 X1 F6000"])
    assert device.axes.moved == ["G1 X1 F6000"]


def test_board_at_work__is_told_and_gets_nothing_more_until_it_is_done(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robotq.drivers.marlin.connect._CONNECT_S", 0.8)
    device, robot = make("G4 S5")
    for _ in range(3):
        with pytest.raises(NotUnderstood, match=r"busy: processing.*when it is done") as refused:
            robot.driver.connect()
        assert refused.value.what == "busy"
    assert _asked_only(device)


def test_board_at_work__is_connected_to_when_it_is_done(make: Make) -> None:
    device, robot = make("G4 S1")
    robot.driver.connect()
    assert not robot.driver.status().held
    robot.run(["G1 X1 F6000"])
    assert "G1 X1 F6000" in device.axes.moved
