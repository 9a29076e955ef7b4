"""What robots measure, as answers tell it."""

from __future__ import annotations

from typing import Any

from robotq.engine.robot.robot import Robot
from robotq.engine.values.board import ValueLook
from robotq.engine.values.ring import SLOTS, STEP_S
from robotq.wire import values as wire

_LOOKED_AT = 12
"""Values of each robot at one look; `GET /robots/{robot_id}/values` has the others."""
_TREND = 30


def looks(robot: Robot) -> tuple[wire.ValueLook, ...]:
    """Those of one robot, with as much of their course as a small drawing shows."""
    found = robot.values.look(_TREND)[:_LOOKED_AT]
    return tuple(
        wire.ValueLook(
            **_facts(each), trend=tuple(None if one is None else one.last for one in each.points)
        )
        for each in found
    )


def course(robot: Robot, at_ms: int, points: int) -> wire.RobotValues:
    """Those of one robot with their course, in at most so many points."""
    now = robot.values.now()
    fitting = max(count for count in _COUNTS if count <= points)
    return wire.RobotValues(
        robot_id=robot.name,
        at_ms=at_ms,
        connected=robot.connected,
        every_s=STEP_S * SLOTS / fitting,
        values=tuple(
            wire.ValueCourse(
                **_facts(each),
                points=tuple(
                    wire.ValuePoint(
                        at_ms=at_ms + int((one.at - now) * 1000),
                        least=one.least,
                        most=one.most,
                        last=one.last,
                    )
                    for one in each.points
                    if one is not None
                ),
            )
            for each in robot.values.look(fitting)
        ),
    )


_COUNTS = tuple(count for count in range(1, SLOTS + 1) if SLOTS % count == 0)


def _facts(look: ValueLook) -> dict[str, Any]:
    return {
        "name": look.name,
        "value": look.value,
        "unit": look.unit,
        "normal": look.normal,
        "state": look.state.value,
        "age_s": round(look.age_s, 1),
        "alarm": look.alarm,
    }
