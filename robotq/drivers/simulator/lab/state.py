"""What is where in the simulated lab, as one frozen record, and what may be done to it.

A bottle is in exactly one slot, and a slot holds one bottle at most: every function here keeps
that, or raises DriverError and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from robotq.drivers.base import DriverError
from robotq.drivers.simulator.lab.layout import FirstBottle, Layout, back, gripper

SCAN_GUN = "scan_gun"
SCAN_GUN_HOLDER = "SCAN_TABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottle:
    id: str
    type: str
    slot: str
    """A pose of a station, or a slot of a robot: its gripper or one on its back."""
    origin: str
    """The slot where it stood at first; the same for as long as the bottle exists."""
    volume: float
    """ml"""
    task: str
    readable: bool
    scanned: bool = False
    """Whether its code was read, or entered, since it was last put on the scanning table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotState:
    x: float
    """mm"""
    y: float
    """mm"""
    place: str | None
    """None between two places."""
    battery: float = 100.0
    """Percent."""
    motions: int = 0
    """Motions carried out."""
    process: bool = False
    """Whether an operator has begun a process and not ended it."""
    signals: Mapping[str, int] = field(default_factory=dict)
    """Signal of an operator -> how often it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabState:
    trays: int
    """Trays with bottles brought to the scanning table so far."""
    robots: Mapping[str, RobotState]
    bottles: Mapping[str, Bottle]
    tools: Mapping[str, str]
    """Tool -> the place of its holder, or the robot that has it."""
    boxes: Mapping[str, str]
    """Box -> its area, or the robot that carries it."""
    counters: Mapping[str, int]
    """Station -> bottles put down there so far."""


def first_state(layout: Layout) -> LabState:
    """The lab as it is set up."""
    return LabState(
        trays=1,
        robots={
            name: RobotState(
                x=layout.places[robot.place].x, y=layout.places[robot.place].y, place=robot.place
            )
            for name, robot in layout.robots.items()
        },
        bottles={bottle.id: _set_up(bottle) for bottle in layout.bottles},
        tools={SCAN_GUN: SCAN_GUN_HOLDER},
        boxes=dict(layout.boxes),
        counters={},
    )


def misfit(state: LabState, layout: Layout) -> str | None:
    """Why this state cannot be in a lab of this layout; None when it can."""
    if set(state.robots) != set(layout.robots):
        return f"it has the robots {', '.join(state.robots)}, not {', '.join(layout.robots)}"
    for name, robot in state.robots.items():
        if robot.place is not None and robot.place not in layout.places:
            return f"{name} stands at {robot.place}, which is no place"
    taken: dict[str, str] = {}
    for bottle in state.bottles.values():
        if bottle.slot not in _all_slots(layout):
            return f"{bottle.id} is in {bottle.slot}, which is no slot"
        if bottle.slot in taken:
            return f"{bottle.id} and {taken[bottle.slot]} are both in {bottle.slot}"
        taken[bottle.slot] = bottle.id
    for box, where in state.boxes.items():
        if where not in layout.box_areas and where not in layout.robots:
            return f"{box} is in {where}, which is no box area"
    return None


def find(state: LabState, bottle_id: str) -> Bottle:
    """The bottle of that id. Raises DriverError."""
    try:
        return state.bottles[bottle_id]
    except KeyError:
        raise DriverError(f"there is no {bottle_id} in the lab") from None


def bottle_in(state: LabState, slot: str) -> Bottle | None:
    return next((bottle for bottle in state.bottles.values() if bottle.slot == slot), None)


def bottles_in(state: LabState, slots: Iterable[str]) -> list[Bottle]:
    """The bottles in these slots, in the order of the slots."""
    return [bottle for slot in slots if (bottle := bottle_in(state, slot)) is not None]


def free_slot(state: LabState, slots: Iterable[str]) -> str | None:
    """The first of these slots that is empty."""
    return next((slot for slot in slots if bottle_in(state, slot) is None), None)


def box_in(state: LabState, where: str) -> str | None:
    """The box in that area, or with that robot."""
    return next((box for box, place in state.boxes.items() if place == where), None)


def moved(state: LabState, bottle_id: str, *, source: str, target: str) -> LabState:
    """The bottle taken from `source` to `target`. Raises DriverError where it is not there, or
    `target` is taken."""
    bottle = find(state, bottle_id)
    if bottle.slot != source:
        raise DriverError(f"{bottle_id} is not in {source}; it is in {bottle.slot}")
    other = bottle_in(state, target)
    if other is not None:
        raise DriverError(f"{target} is taken by {other.id}")
    return with_bottle(state, bottle_id, slot=target)


def with_bottle(state: LabState, bottle_id: str, **changes: Any) -> LabState:
    """The bottle with other properties; a new `id` must not be in use."""
    bottle = replace(state.bottles[bottle_id], **changes)
    if bottle.id != bottle_id and bottle.id in state.bottles:
        raise DriverError(f"there is a {bottle.id} in {state.bottles[bottle.id].slot} already")
    others = {key: value for key, value in state.bottles.items() if key != bottle_id}
    return replace(state, bottles={**others, bottle.id: bottle})


def with_robot(state: LabState, robot: str, **changes: Any) -> LabState:
    return replace(state, robots={**state.robots, robot: replace(state.robots[robot], **changes)})


def with_box(state: LabState, box: str, where: str) -> LabState:
    """The box in another area, or with a robot. Raises DriverError where one is already."""
    other = box_in(state, where)
    if other is not None and other != box:
        raise DriverError(f"{where} has {other} already")
    return replace(state, boxes={**state.boxes, box: where})


def counted(state: LabState, station: str) -> LabState:
    """One more bottle put down at that station."""
    count = state.counters.get(station, 0) + 1
    return replace(state, counters={**state.counters, station: count})


def fresh_tray(state: LabState, layout: Layout, robot: str) -> LabState:
    """A new tray on the scanning table and everything else cleared away: each bottle stands
    where the layout puts it at first, except those that another robot holds."""
    elsewhere = {
        slot
        for name, other in layout.robots.items()
        if name != robot
        for slot in (gripper(name), *back(name, other.back_slots))
    }
    kept = {bottle.id: bottle for bottle in state.bottles.values() if bottle.slot in elsewhere}
    gone = {bottle.origin for bottle in kept.values()}
    brought = {
        bottle.id: _set_up(bottle)
        for bottle in layout.bottles
        if bottle.slot not in gone and bottle.id not in kept
    }
    return replace(state, trays=state.trays + 1, bottles={**kept, **brought})


def _set_up(bottle: FirstBottle) -> Bottle:
    return Bottle(
        id=bottle.id,
        type=bottle.type,
        slot=bottle.slot,
        origin=bottle.slot,
        volume=bottle.volume,
        task=bottle.task,
        readable=bottle.readable,
    )


def _all_slots(layout: Layout) -> set[str]:
    slots = set(layout.station_of)
    for name, robot in layout.robots.items():
        slots |= {gripper(name), *back(name, robot.back_slots)}
    return slots
