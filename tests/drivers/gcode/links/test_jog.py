"""Somebody holds a button, and an axis moves: on both controllers, and whoever dies meanwhile.

The device judges: when its axes have moved last, on its own clock.
"""

from __future__ import annotations

import threading
import time
from typing import Any, cast

import pytest

from robotq.drivers.base import DriverError, Stopped
from robotq.drivers.jogging import AHEAD_S, LIFE_S, Jogs, JogWanted
from robotq.engine.control.jogging import Life
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.testing.emulators import Dialect, GrblEmulator
from robotq.testing.emulators.faults import Fault, FaultKind, Faults
from tests.drivers.gcode.bench import Bench, until
from tests.slices import some

from .conftest import BOTH, Machine, Make

RIGHT = JogWanted(axis="x", direction=1, speed_mm_s=20)
LEFT = JogWanted(axis="x", direction=-1, speed_mm_s=20)
_DOOR = b"\x84"
"""As a safety door does it, from outside."""
SLACK_S = 0.02
"""What the threads of one process need to see each other."""


class Button:
    """Held until it is let go; whoever held it may also fall silent, or take the driver along."""

    def __init__(self, robot: Bench, wanted: JogWanted) -> None:
        self._life = Life(time.monotonic())
        self._silent_at: float | None = None
        self._dead = threading.Event()
        self.result: JsonObject = {}
        self.error: Exception | None = None
        driver = cast(Jogs, robot.driver)

        def jog() -> None:
            try:
                self.result = driver.jog(wanted, self)
            except Exception as error:  # noqa: BLE001 - the test looks at it
                self.error = error

        self._thread = threading.Thread(target=jog, daemon=True)
        self._thread.start()

    def left_s(self) -> float:
        if self._dead.is_set():
            # the daemon is killed: nobody sends anything any more
            threading.Event().wait(1.0)
        if self._silent_at is None:
            self._life.renew(time.monotonic())
        return self._life.left_s()

    def let_go(self) -> None:
        self._life.end()

    def fall_silent(self) -> None:
        self._silent_at = time.monotonic()

    def die(self) -> None:
        self._dead.set()

    def over(self) -> JsonObject:
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error
        return self.result


def moved(device: Machine) -> float:
    device.order(lambda: device.axes.advance(device.now()))
    return device.axes.travelled_mm


def held_for(robot: Bench, device: Machine, wanted: JogWanted, mm: float) -> Button:
    """Pressed, until the axis has gone so far."""
    before = moved(device)
    button = Button(robot, wanted)
    until(lambda: button.error is not None or moved(device) - before >= mm)
    return button


@BOTH
def test_jog__moves_while_the_button_is_held_and_stands_when_it_is_let_go(
    make: Make, firmware: str
) -> None:
    device, robot = make(firmware)
    began = device.now()
    button = held_for(robot, device, RIGHT, 10)
    let_go = device.now()
    button.let_go()
    result = button.over()
    assert device.axes.last_step <= let_go + AHEAD_S + SLACK_S
    assert result["moved_mm"] == pytest.approx(device.axes.position[0], abs=0.02)
    assert not result["at_limit"]
    status = robot.driver.status()
    assert status.position_known
    assert not device.axes.slipped
    assert let_go - began < 2, "it moves at about the speed that was wanted"
    # and the robot is as it was before
    robot.do([{"gcode": ["G1 X1 F6000"]}])
    assert device.axes.position[0] == pytest.approx(1)


@BOTH
@pytest.mark.parametrize("speed", some([0.2, 1.0], 1))
def test_jog__whose_holder_falls_silent_ends_within_the_life_of_the_last_renewal(
    make: Make, firmware: str, speed: float
) -> None:
    """Also where the axis is five times slower than it is told to be."""
    device, robot = make(firmware, speed=speed)
    button = held_for(robot, device, RIGHT, 2)
    silent = device.now()
    button.fall_silent()
    button.over()
    assert device.axes.last_step <= silent + LIFE_S + 0.05 + SLACK_S


@BOTH
@pytest.mark.parametrize("speed", some([0.2, 1.0], 1))
def test_jog__whose_daemon_is_killed_ends_by_itself(
    make: Make, firmware: str, speed: float
) -> None:
    """Nobody cancels anything: what was sent ahead is all that still moves."""
    device, robot = make(firmware, speed=speed)
    button = held_for(robot, device, RIGHT, 2)
    killed = device.now()
    button.die()
    until(lambda: device.now() > killed + 0.7)
    moved(device)
    assert device.axes.last_step <= killed + LIFE_S + SLACK_S
    button.over()


@BOTH
def test_jog__ends_at_the_edge_of_the_work_area(make: Make, firmware: str) -> None:
    device, robot = make(firmware, {"work_area": {"x": [0, 5]}})
    result = Button(robot, RIGHT).over()
    assert result["at_limit"]
    assert 4.8 <= moved(device) <= 5.001
    assert Button(robot, RIGHT).over() == {**result, "moved_mm": 0, "start": result["end"]}
    assert device.axes.position[0] <= 5.001
    button = held_for(robot, device, LEFT, 2)
    let_go = device.now()
    button.let_go()
    assert not button.over()["at_limit"]
    assert device.axes.last_step <= let_go + AHEAD_S + SLACK_S


@BOTH
def test_jog__of_a_robot_that_was_not_homed_is_slow_and_short(make: Make, firmware: str) -> None:
    """Where it does not know where it stands no limits hold."""
    options = {"homing_required": True, "work_area": {"x": [0, 5]}}
    device, robot = make(firmware, {**options, "jog": {"unhomed_mm": 3}})
    limits = robot.driver.status().jog
    assert limits is not None
    assert (limits.most_mm_s, limits.most_mm) == (5, 3)
    began = device.now()
    assert Button(robot, LEFT).over()["at_limit"]
    assert 2.7 <= moved(device) <= 3.001
    assert device.axes.last_step - began >= 0.5


@BOTH
def test_jog__that_the_configuration_forbids(make: Make, firmware: str) -> None:
    _, robot = make(firmware, {"jog": {"most_mm_s": 0}})
    assert robot.driver.status().jog is None
    with pytest.raises(DriverError, match="lets nobody jog"):
        Button(robot, RIGHT).over()


@BOTH
@pytest.mark.parametrize(
    "options",
    [{"work_area": {"x": [5, 0]}}, {"work_area": {"q": [0, 1]}}, {"work_area": {"x": [1]}},
     {"jog": {"most": 1}}, {"jog": {"most_mm_s": -1}}],
)  # fmt: skip
def test_options__that_are_wrong(make: Make, firmware: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"jog|work_area"):
        make(firmware, options)


@BOTH
def test_jog__is_ended_by_a_stop_and_by_an_emergency_stop(make: Make, firmware: str) -> None:
    device, robot = make(firmware)
    button = held_for(robot, device, RIGHT, 2)
    stopped = device.now()
    robot.driver.stop()
    with pytest.raises(Stopped):
        button.over()
    assert device.axes.last_step <= stopped + 0.1 + SLACK_S
    if not robot.driver.status().position_known:
        robot.do([{"unlock": True}])
    button = held_for(robot, device, RIGHT, 2)
    stopped = device.now()
    robot.driver.emergency_stop()
    with pytest.raises(Stopped):
        button.over()
    assert device.axes.last_step <= stopped + SLACK_S
    with pytest.raises(Stopped):
        Button(robot, RIGHT).over()
    assert device.axes.last_step <= stopped + SLACK_S


@BOTH
def test_jog__ends_where_the_robot_is_held(make: Make, firmware: str) -> None:
    device, robot = make(firmware)
    button = held_for(robot, device, RIGHT, 2)
    held = device.now()
    if firmware == "grbl":
        cast(GrblEmulator, device).open_door()
    else:
        robot.driver.hold()
    button.over()
    assert device.axes.last_step <= held + AHEAD_S + SLACK_S


def test_grbl__a_line_that_lies_unread_when_the_door_opens_moves_nothing_later(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is read behind an open door, and no cancel takes one back."""
    device, robot = cast("tuple[GrblEmulator, Bench]", make("grbl"))
    button = held_for(robot, device, RIGHT, 2)
    unread: list[bytes] = []
    take = device.take

    def behind_the_door(data: bytes) -> None:
        if b"$J=" in data and not unread:
            unread.append(data)
            device.urgent(_DOOR)
        take(data)

    monkeypatch.setattr(device, "take", behind_the_door)
    button.over()
    assert unread
    stands = moved(device)
    device.press_start()
    robot.do([{"gcode": ["G91", "G1 X1 F6000"]}])
    assert moved(device) == pytest.approx(stands + 1)
    assert robot.driver.status().position_known


def test_marlin__a_line_that_got_lost_is_not_sent_again_when_the_button_was_let_go(
    make: Make,
) -> None:
    """It would move some seconds later."""
    faults = Faults([Fault(kind=FaultKind.LOSE_LINE, line="G1 X", nth=12)])
    device, robot = make("marlin", faults=faults)
    button = Button(robot, RIGHT)
    until(lambda: bool(faults.happened))
    let_go = device.now()
    button.let_go()
    button.over()
    assert device.now() > let_go + 1, "it was asked how far it is"
    assert device.axes.last_step <= let_go + AHEAD_S + SLACK_S
    robot.do([{"gcode": ["G1 X1 F6000"]}])
    assert device.axes.position[0] == pytest.approx(1)


@pytest.mark.parametrize("dialect", Dialect)
def test_grbl__the_controllers_own_limits_end_a_jog(make: Make, dialect: Dialect) -> None:
    device, robot = make("grbl", dialect=dialect, reach_mm=4.0)
    assert Button(robot, RIGHT).over()["at_limit"]
    assert 2.9 <= device.axes.position[0] <= 4


def test_grbl__locked_by_an_alarm_is_not_jogged(make: Make) -> None:
    device, robot = make("grbl", homing=True)
    with pytest.raises(DriverError, match="HOME or UNLOCK"):
        Button(robot, RIGHT).over()
    assert not moved(device)


def test_marlin__is_not_jogged_more_slowly_than_its_steps_allow(make: Make) -> None:
    device, robot = make("marlin")
    with pytest.raises(DriverError, match=r"at least 0\.87 mm/s"):
        Button(robot, JogWanted(axis="x", direction=1, speed_mm_s=0.5)).over()
    assert not moved(device)
