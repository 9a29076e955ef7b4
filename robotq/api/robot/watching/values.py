"""GET /robots/{robot_id}/values: what a robot measures, with its course."""

from __future__ import annotations

from robotq.api.robot.answers.words import value_facts
from robotq.engine.robot.robot import Robot
from robotq.engine.robot.values import SLOTS, STEP_S
from robotq.wire import watching as watched

_COUNTS = tuple(count for count in range(1, SLOTS + 1) if SLOTS % count == 0)


def course(robot: Robot, at_ms: int, points: int) -> watched.RobotValues:
    """Those of one robot with their course, in at most so many points."""
    now = robot.values.now()
    fitting = max(count for count in _COUNTS if count <= points)
    return watched.RobotValues(
        robot_id=robot.name,
        at_ms=at_ms,
        connected=robot.connected,
        every_s=STEP_S * SLOTS / fitting,
        values=tuple(
            watched.ValueCourse(
                **value_facts(each),
                points=tuple(
                    watched.ValuePoint(
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
