"""Queries: what the robot's sensors say at this moment. None of them waits for a motion."""

from __future__ import annotations

import math
from collections.abc import Callable

from robotq.drivers.simulator.body import CHARGER, Body
from robotq.drivers.simulator.commands.bottles import shown
from robotq.drivers.simulator.lab.layout import gripper
from robotq.drivers.simulator.lab.state import bottle_in, bottles_in, box_in, find
from robotq.drivers.simulator.params import Params
from robotq.model.json import JsonObject

_ARMS = ("left", "right")
_JOINTS = ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow", "wrist_1", "wrist_2")
_REST = (0.15, 0.05, 0.0, 1.35, 0.0, -0.2)
"""rad, arms beside the body"""
_REACH = (1.10, 0.12, 0.25, 0.45, 0.3, 0.1)
"""rad, arms before the body"""
_FINGERS = ("thumb", "index", "middle", "ring", "little")
_OPEN, _CLOSED = 0.1, 1.2
"""rad"""


def robot_motion_state(body: Body, params: Params) -> JsonObject:  # noqa: ARG001 - as all others
    """GET_ROBOT_MOTION_STATE"""
    moving, controls = body.moving, body.controls
    if controls.latched:
        state = "emergency_stop"
    elif controls.held:
        state = "held"
    else:
        state = "idle" if moving is None else "moving"
    x, y = body.position()
    return {
        "state": state,
        "place": body.me.place,
        "x_mm": round(x, 1),
        "y_mm": round(y, 1),
        "speed_mm_s": round(moving.speed(body.clock.now()), 1) if moving else 0.0,
        "command": moving.command if moving else None,
        "step": moving.step if moving else None,
        "motion": moving.motion if moving else None,
    }


def battery_state(body: Body, params: Params) -> JsonObject:  # noqa: ARG001
    """GET_BATTERY_STATE"""
    percent = body.battery()
    charging = body.me.place == CHARGER
    return {
        "percentage": round(percent, 1),
        "voltage_v": round(44.0 + 0.1 * percent, 2),
        "current_a": 12.0 if charging else -6.5 if body.moving else -1.2,
        "temperature_c": 31.0 if body.moving else 27.5,
        "charging": charging,
    }


def upper_limb_joint_states(body: Body, params: Params) -> JsonObject:  # noqa: ARG001
    """GET_UPPER_LIMB_JOINT_STATES"""
    bend = _bend(body)
    return {
        "joints": [
            {
                "name": f"{arm}_{joint}",
                "position_rad": round(rest + bend * (reach - rest), 4),
            }
            for arm in _ARMS
            for joint, rest, reach in zip(_JOINTS, _REST, _REACH, strict=True)
        ]
    }


def hand_joint_states(body: Body, params: Params) -> JsonObject:  # noqa: ARG001
    """GET_HAND_JOINT_STATES"""
    position = _CLOSED if _holds(body) else _OPEN
    return {"joints": [{"name": name, "position_rad": position} for name in _FINGERS]}


def finger_pressures(body: Body, params: Params) -> JsonObject:  # noqa: ARG001
    """GET_FINGER_PRESSURES"""
    held = bottle_in(body.lab.state, gripper(body.robot))
    # a heavier bottle is held more firmly
    pressure = 18.0 + held.volume / 50 if held else 22.0 if _holds(body) else 0.0
    return {"pressures_kpa": dict.fromkeys(_FINGERS, round(pressure, 1))}


def full_body_sensor_states(body: Body, params: Params) -> JsonObject:
    """GET_FULL_BODY_SENSOR_STATES: all of the above in one answer."""
    return {
        "motion": robot_motion_state(body, params),
        "battery": battery_state(body, params),
        "upper_limbs": upper_limb_joint_states(body, params)["joints"],
        "hand": hand_joint_states(body, params)["joints"],
        "finger_pressures_kpa": finger_pressures(body, params)["pressures_kpa"],
        "motions": body.me.motions,
    }


def station_counter(body: Body, params: Params) -> JsonObject:  # noqa: ARG001
    """GET_STATION_COUNTER"""
    state = body.lab.state
    return {
        "trays": state.trays,
        "stations": {
            name: {
                "bottles": len(bottles_in(state, station.slots)),
                "slots": len(station.slots),
                "put_down": state.counters.get(name, 0),
            }
            for name, station in body.layout.stations.items()
        },
    }


def bottle_get(body: Body, params: Params) -> JsonObject:
    """BOTTLE_GET: one bottle, or all. Raises DriverError for one that is not there."""
    state = body.lab.state
    wanted = params.optional_text("bottle_id")
    if wanted is not None:
        return {"bottles": [shown(find(state, wanted))]}
    return {"bottles": [shown(bottle) for _, bottle in sorted(state.bottles.items())]}


def _bend(body: Body) -> float:
    """How far the arms are before the body, 0 to 1: out and back within each motion."""
    moving = body.moving
    if moving is None or not moving.length or moving.start != moving.end:
        return 0.0
    return math.sin(math.pi * moving.travelled(body.clock.now()) / moving.length)


def _holds(body: Body) -> bool:
    state = body.lab.state
    held = bottle_in(state, gripper(body.robot)) or box_in(state, body.robot)
    return held is not None


QUERIES: dict[str, Callable[[Body, Params], JsonObject]] = {
    "GET_ROBOT_MOTION_STATE": robot_motion_state,
    "GET_BATTERY_STATE": battery_state,
    "GET_UPPER_LIMB_JOINT_STATES": upper_limb_joint_states,
    "GET_HAND_JOINT_STATES": hand_joint_states,
    "GET_FINGER_PRESSURES": finger_pressures,
    "GET_FULL_BODY_SENSOR_STATES": full_body_sensor_states,
    "GET_STATION_COUNTER": station_counter,
    "BOTTLE_GET": bottle_get,
}
