"""GET /resources, POST /resources/{resource}/release: who holds which place."""

from __future__ import annotations

from aiohttp import web
from msgspec.structs import asdict

from robotq.api.http.call import Call
from robotq.api.robot.answers.times import local_time
from robotq.api.robot.answers.words import words
from robotq.api.robot.models.robots import ReleasePlaceBody
from robotq.engine.engine import Engine
from robotq.model.hold import Occupancy
from robotq.wire import robots as wire


async def list_resources(call: Call) -> web.StreamResponse:
    engine = call.engine
    occupied = {occupancy.resource: occupancy for occupancy in engine.reads.occupied()}
    places = engine.config.resources
    # one that a reload has taken out of the configuration may still be held
    names = [*places, *(name for name in occupied if name not in places)]
    return call.answer(
        wire.Resources(
            resources=tuple(
                wire.Resource(
                    resource=name,
                    places=tuple(places.get(name, ())),
                    held_by=_held_by(engine, occupied.get(name)),
                )
                for name in names
            ),
        )
    )


async def release(call: Call) -> web.StreamResponse:
    """A person says that the robot is not there."""
    call.refuse_agents("release")
    body = await call.body(ReleasePlaceBody)
    was = await call.engine.releasing.release(
        call.path("resource"),
        body.holder,
        actor=call.actor,
        since_ms=body.since_ms,
        note=body.note,
    )
    return call.answer(
        wire.Released(
            success=True,
            message=words("released", call.language, resource=was.resource, robot=was.robot),
            resource=was.resource,
            was_held_by=was.robot,
        )
    )


def _held_by(engine: Engine, occupancy: Occupancy | None) -> wire.Holder | None:
    if occupancy is None:
        return None
    name = occupancy.robot
    robot = engine.robots.get(name)
    if robot is None:
        state = "not_configured"
    elif engine.reads.robot_queue(name).running is not None:
        state = "running"
    else:
        state = "idle" if robot.connected else "disconnected"
    release = wire.ReleaseHow(
        method="POST",
        path=f"/resources/{occupancy.resource}/release",
        body={"holder": name, "since_ms": occupancy.since_ms},
    )
    return wire.Holder(
        robot_id=name,
        state=state,
        absent=state in ("not_configured", "disconnected"),
        since=local_time(occupancy.since_ms),
        since_ms=occupancy.since_ms,
        task_id=occupancy.task_id,
        release=asdict(release),
    )
