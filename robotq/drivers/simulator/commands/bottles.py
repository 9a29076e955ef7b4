"""Handling bottles: grab, load, put down."""

from __future__ import annotations

from typing import Any

from robotq.drivers.base import DriverError
from robotq.drivers.simulator.lab.layout import back, gripper
from robotq.drivers.simulator.lab.state import (
    Bottle,
    LabState,
    bottle_in,
    bottles_in,
    box_in,
    counted,
    find,
    free_slot,
    moved,
)
from robotq.drivers.simulator.machine import Machine
from robotq.model.json import JsonObject


def pick_up(m: Machine) -> JsonObject:
    """PICK_UP: take the named bottles; the last one stays in the gripper, the ones before go
    to the back platform."""
    wanted = [row.text("bottle_id") for row in m.params.rows("target_params")]
    for bottle_id in wanted:
        reachable_station(m, find(m.state, bottle_id))
    gripper_free(m)
    m.expect(3 * len(wanted) - 1)
    for number, bottle_id in enumerate(wanted, 1):
        take(m, bottle_id)
        if number < len(wanted):
            load(m, bottle_id)
    return {"bottles": [shown(find(m.state, bottle_id)) for bottle_id in wanted]}


def put_to(m: Machine) -> JsonObject:
    """PUT_TO: put bottles that the robot has into poses of stations."""
    wanted = [
        (row.text("bottle_id"), row.text("release_pose")) for row in m.params.rows("release_params")
    ]
    for bottle_id, pose in wanted:
        carried(m, bottle_id)
        station(m, pose)
    m.expect(3 * len(wanted))
    for bottle_id, pose in wanted:
        put_into(m, bottle_id, pose)
    return {"bottles": [shown(find(m.state, bottle_id)) for bottle_id, _ in wanted]}


def take_from_pose_to_pose(m: Machine) -> JsonObject:
    """TAKE_BOTTOL_FROM_SP_TO_SP: carry the bottle in one pose of a station to another pose."""
    source, target = m.params.text("initial_pose"), m.params.text("target_pose")
    station(m, source)
    station(m, target)
    bottle = bottle_in(m.state, source)
    if bottle is None:
        raise DriverError(f"there is no bottle in {source}")
    gripper_free(m)
    require_free(m, target, bottle)
    m.expect(4)
    take(m, bottle.id)
    put_into(m, bottle.id, target)
    return {"bottles": [shown(find(m.state, bottle.id))]}


def gripper_free(m: Machine) -> None:
    """Raises DriverError when the robot's hands are full."""
    held = bottle_in(m.state, gripper(m.robot))
    if held is not None:
        raise DriverError(f"the gripper of {m.robot} holds {held.id}")
    box = box_in(m.state, m.robot)
    if box is not None:
        raise DriverError(f"{m.robot} carries {box} in both hands")


def back_slots(m: Machine) -> tuple[str, ...]:
    return back(m.robot, m.layout.robots[m.robot].back_slots)


def station(m: Machine, pose: str) -> str:
    """The station of a pose. Raises DriverError where the robot cannot reach it."""
    name = m.layout.station_of.get(pose)
    if name is None:
        raise DriverError(f"{m.robot} knows no pose {pose}")
    if m.robot not in m.layout.stations[name].reach:
        raise DriverError(f"{m.robot} cannot reach {name}")
    return name


def reachable_station(m: Machine, bottle: Bottle) -> str | None:
    """The station where the bottle stands; None when it is on this robot's back."""
    if bottle.slot in back_slots(m):
        return None
    if bottle.slot not in m.layout.station_of:
        raise DriverError(f"{bottle.id} cannot be picked up; it is in {bottle.slot}")
    return station(m, bottle.slot)


def carried(m: Machine, bottle_id: str) -> Bottle:
    """The bottle, which the robot must have. Raises DriverError."""
    bottle = find(m.state, bottle_id)
    if bottle.slot not in (gripper(m.robot), *back_slots(m)):
        raise DriverError(f"{m.robot} does not have {bottle_id}; it is in {bottle.slot}")
    return bottle


def require_free(m: Machine, pose: str, bottle: Bottle) -> None:
    """Raises DriverError where the bottle does not fit into the pose, or another is there."""
    name = m.layout.station_of[pose]
    if bottle.type not in m.layout.stations[name].types:
        raise DriverError(f"{bottle.id}, a {bottle.type}, does not fit into {name}")
    other = bottle_in(m.state, pose)
    if other is not None:
        raise DriverError(f"{pose} is taken by {other.id}")


def go_to_station(m: Machine, name: str, *, step: str = "NAVIGATING") -> None:
    """Go where the robot can reach the station, unless it stands in such a place."""
    places = m.layout.stations[name].reach[m.robot]
    if not any(m.stands_at(place) for place in places):
        m.drive(places[0], step=step)


def take(m: Machine, bottle_id: str) -> None:
    """Go to a bottle and take it in the gripper."""
    gripper_free(m)
    name = reachable_station(m, find(m.state, bottle_id))
    if name is not None:
        go_to_station(m, name)
    grab(m, bottle_id)


def grab(m: Machine, bottle_id: str, **detail: Any) -> None:
    """A step: take a bottle within reach in the gripper. `detail` replaces its id in the step."""
    slot = find(m.state, bottle_id).slot
    on_back = slot in back_slots(m)
    name = "TAKING_FROM_BACK" if on_back else "GRABBING_BOTTLE"
    with m.step(name, **(detail or {"bottle_id": bottle_id})):
        m.arm(f"reach for {slot}", 0.5)
        m.grip(f"grip {bottle_id}", 0.2, lambda state: _gripped(m, state, bottle_id, slot))
        m.arm(f"lift {bottle_id}", 0.3)


def load(m: Machine, bottle_id: str) -> str:
    """A step: put the bottle in the gripper on the back platform; returns its slot there."""
    slot = free_slot(m.state, back_slots(m))
    if slot is None:
        raise DriverError(f"the back platform of {m.robot} has no room for {bottle_id}")
    with m.step("PUTTING_TO_BACK", bottle_id=bottle_id):
        m.arm(f"swing {bottle_id} to the back", 0.6)
        m.grip(
            f"release {bottle_id} into {slot}",
            0.2,
            lambda state: _released(m, state, bottle_id, slot),
        )
        m.arm("swing to the front", 0.2)
    return slot


def put_into(m: Machine, bottle_id: str, pose: str) -> None:
    """Go to a pose and put a bottle that the robot has there."""
    bottle = carried(m, bottle_id)
    require_free(m, pose, bottle)
    name = station(m, pose)
    if bottle.slot != gripper(m.robot):
        gripper_free(m)
        go_to_station(m, name)
        grab(m, bottle_id)
    else:
        go_to_station(m, name)
    with m.step("PUTTING_DOWN", bottle_id=bottle_id):
        put_down(m, bottle_id, pose, 1.0)


def put_down(m: Machine, bottle_id: str, pose: str, share: float) -> None:
    """Within a step: put the bottle in the gripper into a pose within reach."""
    m.arm(f"lower {bottle_id} to {pose}", share * 0.5)
    m.grip(
        f"release {bottle_id} into {pose}",
        share * 0.2,
        lambda state: counted(_released(m, state, bottle_id, pose), m.layout.station_of[pose]),
    )
    m.arm(f"draw back from {pose}", share * 0.3)


def at_stations(m: Machine, *names: str) -> list[Bottle]:
    """The bottles that stand there, in the order of the stations and their slots."""
    return bottles_in(m.state, (slot for name in names for slot in m.layout.stations[name].slots))


def free_pose(m: Machine, name: str) -> str:
    """The first pose of the station that is empty. Raises DriverError when it is full."""
    pose = free_slot(m.state, m.layout.stations[name].slots)
    if pose is None:
        raise DriverError(f"{name} is full")
    return pose


def shown(bottle: Bottle) -> JsonObject:
    return {
        "bottle_id": bottle.id,
        "type": bottle.type,
        "slot": bottle.slot,
        "volume_ml": bottle.volume,
        "task": bottle.task,
    }


def _gripped(m: Machine, state: LabState, bottle_id: str, slot: str) -> LabState:
    return moved(state, bottle_id, source=slot, target=gripper(m.robot))


def _released(m: Machine, state: LabState, bottle_id: str, slot: str) -> LabState:
    return moved(state, bottle_id, source=gripper(m.robot), target=slot)
