"""Driving, carrying boxes, and single actions."""

from __future__ import annotations

from robotq.drivers.base import DriverError
from robotq.drivers.simulator.commands.bottles import gripper_free
from robotq.drivers.simulator.lab.state import box_in, with_box
from robotq.drivers.simulator.machine import Machine
from robotq.model.json import JsonObject


def navigation(m: Machine) -> JsonObject:
    """NAVIGATION: go to a place."""
    area = m.params.text("area")
    m.expect(1)
    m.drive(area)
    return {"area": area}


def pick_up_box(m: Machine) -> JsonObject:
    """PICK_UP_BOX: take the box in an area in both hands."""
    area = m.params.text("box_initial_area")
    box = _box(m, area)
    m.expect(2)
    _grab(m, area)
    return {"box": box, "area": area}


def put_down_box(m: Machine) -> JsonObject:
    """PUT_DOWN_BOX: put the box in the hands down in an area."""
    area = m.params.text("box_target_area")
    box = box_in(m.state, m.robot)
    if box is None:
        raise DriverError(f"{m.robot} carries no box")
    _require_free(m, area)
    m.expect(2)
    _put_down(m, box, area)
    return {"box": box, "area": area}


def pick_box_to_area(m: Machine) -> JsonObject:
    """PICK_BOX_TO_SP: carry the box in one area to another."""
    source, target = m.params.text("box_initial_area"), m.params.text("box_target_area")
    box = _box(m, source)
    _require_free(m, target)
    m.expect(4)
    _grab(m, source)
    _put_down(m, box, target)
    return {"box": box, "area": target}


def robot_action(m: Machine) -> JsonObject:
    """ROBOT_ACTION: a named single action, given up when it takes longer than `timeout`."""
    action = m.params.text("action_type")
    span = m.layout.actions.get(action)
    if span is None:
        known = ", ".join(m.layout.actions)
        raise DriverError(f"{m.robot} knows no action {action}; it knows {known}")
    m.expect(1)
    with m.step(action, span=span) as seconds:
        limit = m.params.number("timeout", seconds)
        m.arm(action.lower(), min(1.0, limit / seconds))
        if seconds > limit:
            raise DriverError(f"{action} was given up after {limit:g} s")
    return {"action_type": action}


def _box(m: Machine, area: str) -> str:
    """The box in an area, which the robot could take. Raises DriverError."""
    _require_area(m, area)
    box = box_in(m.state, area)
    if box is None:
        raise DriverError(f"there is no box in {area}")
    gripper_free(m)
    return box


def _require_area(m: Machine, area: str) -> None:
    if area not in m.layout.box_areas:
        known = ", ".join(m.layout.box_areas)
        raise DriverError(f"there is no box area {area}; there are {known}")


def _require_free(m: Machine, area: str) -> None:
    _require_area(m, area)
    other = box_in(m.state, area)
    if other is not None:
        raise DriverError(f"{area} has {other} already")


def _grab(m: Machine, area: str) -> None:
    m.drive(area)
    box = _box(m, area)
    with m.step("GRABBING_BOX", box=box):
        m.arm(f"reach for {box}", 0.5)
        m.grip(f"clasp {box}", 0.2, lambda state: with_box(state, box, m.robot))
        m.arm(f"lift {box}", 0.3)


def _put_down(m: Machine, box: str, area: str) -> None:
    m.drive(area)
    with m.step("PUTTING_DOWN_BOX", box=box):
        m.arm(f"lower {box}", 0.5)
        m.grip(f"let go of {box}", 0.2, lambda state: with_box(state, box, area))
        m.arm(f"draw back from {box}", 0.3)
