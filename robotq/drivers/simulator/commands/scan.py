"""SCAN_QRCODE: scan every bottle on the scanning table and bring it to the splitting table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from robotq.drivers.base import DriverError
from robotq.drivers.simulator.commands.bottles import (
    at_stations,
    back_slots,
    free_pose,
    grab,
    load,
    put_down,
)
from robotq.drivers.simulator.lab.layout import BOTTLE_TYPES, gripper
from robotq.drivers.simulator.lab.state import (
    SCAN_GUN,
    SCAN_GUN_HOLDER,
    Bottle,
    LabState,
    bottle_in,
    bottles_in,
    box_in,
    fresh_tray,
    moved,
    with_bottle,
)
from robotq.drivers.simulator.machine import Machine
from robotq.model.json import JsonObject

TABLE = "SCAN_TABLE"
TARGET = "SPLIT_TABLE"

_ANSWER: JsonObject = {
    "type": "object",
    "required": ["bottle_id"],
    "properties": {
        "bottle_id": {"type": "string", "minLength": 1},
        "type": {"enum": list(BOTTLE_TYPES)},
        "task": {"type": "string"},
    },
}


def scan_qrcode(m: Machine) -> JsonObject:
    """SCAN_QRCODE. It goes on where one that was cut short left off: a bottle in the gripper
    comes first, and what is on the back platform already is brought along."""
    if "scan" not in m.layout.robots[m.robot].skills:
        raise DriverError(f"{m.robot} has no scan gun")
    box = box_in(m.state, m.robot)
    if box is not None:
        raise DriverError(f"{m.robot} carries {box} in both hands")
    m.drive(TABLE, step="NAVIGATING_TO_SCAN")
    _take_scan_gun(m)
    with m.step("CV_DETECTING"):
        m.arm(f"look at {TABLE}", 1.0, lambda state: _tray_on_table(m, state))
    bottles = _to_scan(m)
    unreadable = sum(not bottle.readable for bottle in bottles)
    m.expect(3 * len(bottles) + unreadable + 3)
    scanned: list[JsonObject] = []
    for bottle in bottles:
        _scan(m, bottle, scanned)
    with m.step("TURNING_BACK_FRONT"):
        m.arm("hang up the scan gun", 0.4, lambda state: _with_gun(state, SCAN_GUN_HOLDER))
        m.arm("turn the upper body to the front", 0.6)
    m.drive(TARGET, step="NAVIGATING_TO_SPLIT")
    _unload(m)
    return {"scanned_count": len(scanned), "scanned_bottles": scanned}


def _take_scan_gun(m: Machine) -> None:
    holder = m.state.tools[SCAN_GUN]
    if holder == m.robot:
        return
    if holder != SCAN_GUN_HOLDER:
        raise DriverError(f"the scan gun is with {holder}")
    with m.step("GRAB_SCAN_GUN"):
        m.arm("reach for the scan gun", 0.5)
        m.grip("grip the scan gun", 0.2, lambda state: _with_gun(state, m.robot))
        m.arm("lift the scan gun", 0.3)


def _with_gun(state: LabState, where: str) -> LabState:
    return replace(state, tools={**state.tools, SCAN_GUN: where})


def _tray_on_table(m: Machine, state: LabState) -> LabState:
    """The lab with something to scan: somebody brings a fresh tray when there is nothing."""
    held = bottle_in(state, gripper(m.robot))
    if (held and not held.scanned) or bottles_in(state, m.layout.stations[TABLE].slots):
        return state
    return fresh_tray(state, m.layout, m.robot)


def _to_scan(m: Machine) -> list[Bottle]:
    """The bottles that are left, the one in the gripper first. Raises DriverError when the back
    platform cannot take them all."""
    held = bottle_in(m.state, gripper(m.robot))
    bottles = ([held] if held else []) + at_stations(m, TABLE)
    limit = m.params.limit("run_times")
    bottles = bottles[: limit or len(bottles)]
    room = len(back_slots(m)) - len(bottles_in(m.state, back_slots(m)))
    if len(bottles) > room:
        raise DriverError(
            f"the back platform of {m.robot} has room for {room} bottles, not for "
            f"{', '.join(bottle.id for bottle in bottles)}"
        )
    return bottles


def _scan(m: Machine, bottle: Bottle, scanned: list[JsonObject]) -> None:
    slots = m.layout.stations[TABLE].slots
    place = bottle.origin if bottle.slot == gripper(m.robot) else bottle.slot
    index = slots.index(place) + 1 if place in slots else 0
    if bottle.slot != gripper(m.robot):
        grab(m, bottle.id, slot_index=index)
    if not bottle.scanned:
        bottle = _identified(m, bottle, index)
    scanned.append(
        {
            "bottle_id": bottle.id,
            "type": bottle.type,
            "slot_index": index,
            "task": bottle.task,
            "timestamp": datetime.now().astimezone().isoformat(timespec="seconds"),
        }
    )
    m.context.partial(scanned_count=len(scanned), scanned_bottles=list(scanned))
    load(m, bottle.id)


def _identified(m: Machine, bottle: Bottle, index: int) -> Bottle:
    with m.step("SCANNING", slot_index=index) as seconds:
        limit = m.params.number("timeout", seconds)
        m.arm("turn the bottle before the scan gun", min(1.0, limit / seconds))
    if bottle.readable and seconds <= limit:
        found: dict[str, Any] = {"id": bottle.id}
    else:
        found = _entered(m, bottle, index)
    m.change(lambda state: with_bottle(state, bottle.id, scanned=True, **found))
    return m.state.bottles[found["id"]]


def _entered(m: Machine, bottle: Bottle, index: int) -> dict[str, Any]:
    """The bottle's data from a person or another scanner."""
    thresholds = m.layout.thresholds
    with m.step("WAITING_ID_INPUT", slot_index=index):
        bottle_id = ""
        for _ in range(thresholds.id_input_attempts):
            answer = m.context.ask(
                "ask.bottle_id",
                _ANSWER,
                thresholds.id_input_timeout,
                answered_by="SCAN_QRCODE_ENTER_ID",
                slot_index=index,
            )
            bottle_id = answer["bottle_id"]
            if bottle_id == bottle.id or bottle_id not in m.state.bottles:
                return {
                    "id": bottle_id,
                    "type": answer.get("type", bottle.type),
                    "task": answer.get("task", bottle.task),
                }
        elsewhere = m.state.bottles[bottle_id].slot
        raise DriverError(
            f"{bottle_id} was entered for the bottle in slot {index}, but it is in {elsewhere}"
        )


def _unload(m: Machine) -> None:
    loaded = bottles_in(m.state, back_slots(m))
    with m.step("PUTTING_DOWN"):
        for bottle in loaded:
            _unload_one(m, bottle, 1 / len(loaded))


def _unload_one(m: Machine, bottle: Bottle, share: float) -> None:
    pose = free_pose(m, TARGET)
    hand = gripper(m.robot)
    m.grip(
        f"grip {bottle.id} on the back",
        share * 0.3,
        lambda state: moved(state, bottle.id, source=bottle.slot, target=hand),
    )
    put_down(m, bottle.id, pose, share * 0.7)
