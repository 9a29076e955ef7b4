"""GET, POST and DELETE /repeats: commands that repeat by the clock of the wall."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.robot.answers.times import local_time
from robotq.api.robot.answers.words import words
from robotq.api.robot.models import submit as models
from robotq.api.robot.models.base import EmptyBody
from robotq.engine.engine import Engine
from robotq.model.errors import error_text
from robotq.model.repeat import ByTheClock, Skipped
from robotq.model.texts import Language, text
from robotq.wire import repeats as wire


async def list_repeats(call: Call) -> web.StreamResponse:
    engine = call.engine
    found = await engine.repeats.all()
    now = datetime.fromtimestamp(engine.clock.now_ms() / 1000, UTC).astimezone()
    return call.answer(
        wire.Repeats(
            repeats=tuple(_view(one, engine, call.language) for one in found),
            zone=f"{now.tzname()} (UTC{now.strftime('%z')})",
            clock=f"{now:%H:%M}",
        )
    )


async def make(call: Call) -> web.StreamResponse:
    body = await call.body(models.ByTheClockBody)
    made = await call.engine.repeats.make(
        # as it was sent: a default is filled in when it runs
        body.command.model_dump(exclude_unset=True),
        at=body.at,
        days=body.days,
        zone=body.zone,
        within_s=body.within_s,
        actor=call.caller.name,
        agent=call.caller.agent,
    )
    return _done(call, "repeat_made", made)


async def remove(call: Call) -> web.StreamResponse:
    await call.body(EmptyBody)
    removed = await call.engine.repeats.remove(call.path("repeat_id"), actor=call.actor)
    return _done(call, "repeat_removed", removed)


def _done(call: Call, code: str, repeat: ByTheClock) -> web.Response:
    return call.answer(
        wire.RepeatDone(
            success=True,
            message=words(code, call.language),
            repeat=_view(repeat, call.engine, call.language),
        )
    )


def _view(repeat: ByTheClock, engine: Engine, language: Language) -> wire.RepeatByTheClock:
    next_ms, skipped = engine.repeats.next_ms(repeat), repeat.skipped
    return wire.RepeatByTheClock(
        repeat_id=repeat.id,
        at=repeat.at,
        days=repeat.days,
        zone=repeat.zone,
        within_s=repeat.within_s,
        robot_id=repeat.robot,
        command=repeat.command,
        actor=repeat.actor,
        made_ms=repeat.made_ms,
        next_ms=next_ms,
        next_time=local_time(next_ms),
        last_ms=repeat.last_ms,
        last_task_id=repeat.last_task_id,
        skipped=None if skipped is None else _skipped(skipped, language),
    )


def _skipped(skipped: Skipped, language: Language) -> wire.SkippedRun:
    args = skipped.args
    if skipped.code == "skip.refused":
        reason = error_text(str(args["error"]), args["args"], language)
    else:
        reason = text(skipped.code, args, language)
    return wire.SkippedRun(
        at_ms=skipped.at_ms,
        at_time=local_time(skipped.at_ms),
        missed=skipped.missed,
        code=skipped.code,
        reason=reason,
    )
