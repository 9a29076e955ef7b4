"""GET /fleet and what stands below it."""

from __future__ import annotations

import asyncio

import orjson
from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from robotq.api.context import FLEET
from robotq.api.fleet.answers import daemon_view, is_away, waiting_view
from robotq.api.fleet.requests import EventsQuery, HandOnBody, StopBody, TakeBody
from robotq.api.http.call import Call
from robotq.api.robot.answers.event import event_view
from robotq.api.robot.answers.words import words
from robotq.api.robot.models.base import NamingBody
from robotq.fleet import view
from robotq.fleet.stops import StopOfFleet
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.wire import fleet as wire
from robotq.wire.base import Answer

_PING_S = 15.0
_SEND_S = 30.0
_PAGE = 200
_LOOK_S = 0.3
_AWAY_S = 0.3
"""Wall seconds that a look waits for a database that did not answer a moment ago."""
_STREAMS = 64
"""Open streams at once; each asks the database."""


async def look(call: Call) -> web.StreamResponse:
    """Where the database cannot be asked, what was known of the others before, and since when."""
    fleet = call.app[FLEET]
    waiting: tuple[wire.Waiting, ...] = ()
    stops: tuple[wire.Stop, ...] = ()
    database, since_ms = fleet.away, fleet.away_since_ms
    asked = {} if fleet.standbys is None else fleet.standbys.asked()
    try:
        # whoever looks does not wait for what is known to be away
        async with asyncio.timeout(None if database is None else _AWAY_S):
            handed = await fleet.door.waiting()
            waiting = tuple(waiting_view(one, fleet, call.language) for one in handed)
            stops = tuple(_stop(one) for one in await fleet.stops.standing())
    except (RobotqError, TimeoutError) as error:
        database = database or str(error)
        # those that began here and that nobody else can know
        stops = tuple(_stop(one) for one in fleet.stops.unwritten())
    return call.answer(
        wire.Fleet(
            name=fleet.name,
            at_ms=call.engine.clock.now_ms(),
            database=database,
            database_since_ms=since_ms,
            isolated_since_ms=fleet.isolation.since_ms,
            refused=fleet.member.refused,
            not_ours=fleet.member.not_ours,
            behind=fleet.outbox.behind,
            daemons=tuple(daemon_view(one, fleet, call.language) for one in fleet.daemons),
            waiting=waiting,
            stops=stops,
            asks_whether_off=tuple(
                wire.AsksWhetherOff(robot_id=robot, daemon=lease.holder, epoch=lease.epoch)
                for robot, lease in asked.items()
            ),
        )
    )


def _stop(found: JsonObject) -> wire.Stop:
    return wire.Stop.read(found)


async def events(call: Call) -> web.StreamResponse:
    """Every event of every daemon after where the client was, then each new one."""
    fleet, query = call.app[FLEET], call.query(EventsQuery)
    text = call.request.headers.get("Last-Event-ID", query.last_event_id)
    places = dict(await fleet.view.newest())
    if text:
        places |= {name: at for name, at in view.places_of(text).items() if name in places}
    if query.daemon is not None:
        places = {name: at for name, at in places.items() if name == query.daemon}
    with fleet.view.listening(_STREAMS):
        async with sse_response(
            call.request,
            headers=call.headers,
            response_cls=EventSourceResponse,
            ping_interval=_PING_S,
            send_timeout=_SEND_S,
        ) as response:
            try:
                await response.write(f": robotq\nid: {view.place_text(places)}\n\n".encode())
                while True:
                    found = await fleet.view.events(places, limit=_PAGE)
                    for daemon, at, event in found:
                        places[daemon] = at
                        shown = {**_plain(event_view(event)), "daemon": daemon}
                        frame = (
                            f"id: {view.place_text(places)}\nevent: {event.kind}\n"
                            f"data: {orjson.dumps(shown).decode()}\n\n"
                        )
                        async with asyncio.timeout(_SEND_S):
                            await response.write(frame.encode())
                    if not found:
                        if query.daemon is None:
                            for name in (await fleet.view.newest()).keys() - places.keys():
                                # it has joined meanwhile: all that it tells
                                places[name] = (0, 0)
                        await asyncio.sleep(_LOOK_S)
            except (ConnectionError, TimeoutError, RobotqError):
                # the client has left, or comes back with Last-Event-ID
                pass
    return response


def _plain(shape: Answer) -> dict[str, object]:
    from msgspec import to_builtins  # noqa: PLC0415 - of streams alone

    found: dict[str, object] = to_builtins(shape)
    return found


async def leave(call: Call) -> web.StreamResponse:
    """Only one that is away: one that works would come back at once."""
    call.refuse_agents("take a daemon out of the fleet")
    fleet, name = call.app[FLEET], call.path("daemon")
    known = next((one for one in fleet.daemons if one.name == name), None)
    if known is None:
        raise RobotqError("not_found", path=f"/fleet/daemons/{name[:64]}")
    if not is_away(known, fleet):
        raise RobotqError("wrong_state", task_id=name, state="working", action="leave the fleet")
    await fleet.leave(name)
    message = words("fleet_left", call.language, daemon=name)
    return call.answer(wire.Left(success=True, message=message, daemon=name))


async def take(call: Call) -> web.StreamResponse:
    """Nobody but a person can know that a machine is off."""
    call.refuse_agents("take a robot over")
    body = await call.body(TakeBody)
    fleet, robot = call.app[FLEET], call.path("robot_id")
    if fleet.standbys is None:
        reason = "this daemon has no robot with `standby`"
        raise RobotqError("standby_refused", robot=robot[:64], reason=reason)
    await fleet.standbys.old_machine_is_off(robot, actor=call.actor, epoch=body.epoch)
    message = words("fleet_taken_over", call.language, robot=robot)
    return call.answer(wire.Taken(success=True, message=message, robot_id=robot))


async def latch(call: Call) -> web.StreamResponse:
    """Another daemon tells of a stop. Whoever may stop, may tell."""
    body = await call.body(StopBody)
    told = await call.app[FLEET].stops.latch(
        StopOfFleet(stop_id=body.stop_id, door=body.door, actor=body.actor, reason=body.reason)
    )
    return call.answer(
        wire.Latched(confirmed=told["confirmed"], robots=told["robots"], recorded=told["recorded"])
    )


async def unlatch(call: Call) -> web.StreamResponse:
    """Another daemon tells that a person has reset a stop."""
    call.refuse_agents("reset")
    told = await call.app[FLEET].stops.unlatch(call.path("stop_id"), actor=call.actor)
    return call.answer(wire.Unlatched(reset=told["reset"], robots=told["robots"]))


async def standing(call: Call) -> web.StreamResponse:
    """Another daemon asks whether a stop still holds a robot here."""
    latched = call.app[FLEET].stops.has_latched(call.path("stop_id"))
    return call.answer(wire.StandsHere(latched=latched))


async def hand_on(call: Call) -> web.StreamResponse:
    """A person gives a task of a machine that is off to another robot."""
    call.refuse_agents("hand_on")
    body, fleet = await call.body(HandOnBody), call.app[FLEET]
    task_id = call.path("task_id")
    handed = await fleet.handing_on.hand_on(
        task_id,
        robot=body.robot_id,
        actor=call.actor,
        reason=body.reason,
        away_s=fleet.config.away_s,
    )
    message = words("fleet_handed_on", call.language, robot=handed.robot)
    return call.answer(
        wire.HandedOn(
            success=True,
            message=message,
            task_id=handed.new_id,
            handed_on_from=task_id,
            robot_id=handed.robot,
        )
    )


async def reset(call: Call) -> web.StreamResponse:
    """Leave a stop at every daemon. Moves nothing; the queues stay paused."""
    call.refuse_agents("reset")
    await call.body(NamingBody)
    told = await call.app[FLEET].stops.reset(call.path("stop_id"), actor=call.actor)
    left = all(answer.get("reset") for answer in told.values())
    message = words("fleet_reset" if left else "fleet_reset_incomplete", call.language)
    return call.answer({"success": left, "message": message, "daemons": dict(told)})
