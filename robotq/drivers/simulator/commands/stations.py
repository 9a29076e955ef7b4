"""Work at the stations: split, open, refill, analyse."""

from __future__ import annotations

from robotq.drivers.base import DriverError
from robotq.drivers.simulator.commands.bottles import (
    at_stations,
    free_pose,
    go_to_station,
    grab,
    gripper_free,
    put_down,
    shown,
    station,
)
from robotq.drivers.simulator.lab.layout import BOTTLE_TYPES
from robotq.drivers.simulator.lab.state import Bottle, LabState, find, with_bottle
from robotq.drivers.simulator.machine import Machine
from robotq.model.json import JsonObject

WAITING = "WAITING_SPLIT_AREA"
DONE = ("SPLIT_DONE_250ML_AREA", "SPLIT_DONE_500ML_AREA")


def split_liquid(m: Machine) -> JsonObject:
    """SPLIT_LIQUID: take a portion out of a waiting bottle of the given size and put the bottle
    where those that are done stand. The robot then leaves the bench."""
    _require(m, "split")
    size = m.params.number("volume", 250)
    done = f"SPLIT_DONE_{size:g}ML_AREA"
    if done not in DONE:
        raise DriverError(f"there is no place for bottles of {size:g} ml that are split")
    bottle = _chosen(m, (WAITING,), f"glass_bottle_{size:g}")
    portion = m.layout.thresholds.portion
    if bottle.volume < portion:
        raise DriverError(f"{bottle.id} holds {bottle.volume:g} ml, a portion is {portion:g} ml")
    gripper_free(m)
    pose = free_pose(m, done)
    m.expect(6)
    go_to_station(m, WAITING)
    grab(m, bottle.id)
    with m.step("SPLITTING", bottle_id=bottle.id):
        m.arm(f"tilt {bottle.id} over the portions", 0.2)
        m.arm("pour", 0.6, lambda state: _poured(state, bottle.id, portion))
        m.arm(f"set {bottle.id} upright", 0.2)
    go_to_station(m, done)
    with m.step("PUTTING_DOWN", bottle_id=bottle.id):
        put_down(m, bottle.id, pose, 1.0)
    m.drive(m.layout.robots[m.robot].place, step="RETURNING")
    return {"bottles": [shown(find(m.state, bottle.id))], "portion_ml": portion}


def pick_from_opener_250(m: Machine) -> JsonObject:
    """PICK_FROM_BOTTLE_OPENER_250: take the opened bottle in the gripper."""
    return _pick_from_opener(m, "BOTTLE_OPENER_250")


def pick_from_opener_500(m: Machine) -> JsonObject:
    """PICK_FROM_BOTTLE_OPENER_500: take the opened bottle in the gripper."""
    return _pick_from_opener(m, "BOTTLE_OPENER_500")


def refill_empty_bottles(m: Machine) -> JsonObject:
    """REFILL_EMPTY_BOTTLES: fill every empty bottle at the refill station."""
    _require(m, "refill")
    name = "REFILL_STATION"
    station(m, m.layout.stations[name].slots[0])
    empty = [bottle for bottle in at_stations(m, name) if bottle.volume == 0]
    if not empty:
        raise DriverError(f"there is no empty bottle at {name}")
    gripper_free(m)
    m.expect(1 + len(empty))
    go_to_station(m, name)
    for bottle in empty:
        _refill(m, bottle)
    return {"bottles": [shown(find(m.state, bottle.id)) for bottle in empty]}


def transfer_to_chromatograph(m: Machine) -> JsonObject:
    """TRANSFER_TO_CHROMATOGRAPH: carry a bottle that was split to the chromatograph."""
    bottle = _chosen(m, DONE, None)
    pose = free_pose(m, "CHROMATOGRAPH")
    for slot in (bottle.slot, pose):
        station(m, slot)
    gripper_free(m)
    m.expect(4)
    go_to_station(m, station(m, bottle.slot))
    grab(m, bottle.id)
    go_to_station(m, "CHROMATOGRAPH", step="NAVIGATING_TO_CHROMATOGRAPH")
    with m.step("PUTTING_DOWN", bottle_id=bottle.id):
        put_down(m, bottle.id, pose, 1.0)
    return {"bottles": [shown(find(m.state, bottle.id))]}


def _refill(m: Machine, bottle: Bottle) -> None:
    full = BOTTLE_TYPES[bottle.type]
    with m.step("REFILLING", bottle_id=bottle.id):
        m.arm(f"swing the nozzle over {bottle.slot}", 0.2)
        m.arm(f"fill {bottle.id}", 0.8, lambda state: _filled(state, bottle.id, full))


def _pick_from_opener(m: Machine, name: str) -> JsonObject:
    station(m, m.layout.stations[name].slots[0])
    bottles = at_stations(m, name)
    if not bottles:
        raise DriverError(f"there is no bottle in {name}")
    gripper_free(m)
    m.expect(2)
    go_to_station(m, name)
    grab(m, bottles[0].id)
    return {"bottles": [shown(find(m.state, bottles[0].id))]}


def _require(m: Machine, skill: str) -> None:
    robots = [name for name, robot in m.layout.robots.items() if skill in robot.skills]
    if m.robot not in robots:
        raise DriverError(f"{m.robot} cannot {skill}; {' and '.join(robots) or 'no robot'} can")


def _chosen(m: Machine, stations: tuple[str, ...], kind: str | None) -> Bottle:
    """The bottle that the command names, else the first one of its kind at these stations."""
    there = [bottle for bottle in at_stations(m, *stations) if kind in (None, bottle.type)]
    bottle_id = m.params.optional_text("bottle_id")
    if bottle_id is not None:
        slot = find(m.state, bottle_id).slot
        there = [bottle for bottle in there if bottle.id == bottle_id]
        if not there:
            raise DriverError(f"{bottle_id} is in {slot}, not ready in {' or '.join(stations)}")
    if not there:
        raise DriverError(f"there is no {kind or 'bottle'} in {' or '.join(stations)}")
    return there[0]


def _filled(state: LabState, bottle_id: str, volume: float) -> LabState:
    return with_bottle(state, find(state, bottle_id).id, volume=volume)


def _poured(state: LabState, bottle_id: str, portion: float) -> LabState:
    return _filled(state, bottle_id, find(state, bottle_id).volume - portion)
