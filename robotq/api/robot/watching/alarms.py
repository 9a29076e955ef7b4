"""What somebody has to act on: looked at, acknowledged, shelved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.robot.answers.words import words
from robotq.api.robot.models.base import EmptyBody
from robotq.api.robot.models.robots import ShelveBody
from robotq.engine.engine import Engine
from robotq.wire import watching as wire

if TYPE_CHECKING:
    from robotq.engine.alarms import Alarm


async def list_alarms(call: Call) -> web.StreamResponse:
    return call.answer(wire.Alarms(alarms=alarm_views(call.engine)))


async def acknowledge(call: Call) -> web.StreamResponse:
    """By the name of whoever asks; the first one counts."""
    await call.body(EmptyBody)
    alarm = await call.engine.alarms.acknowledge(call.path("alarm_id"), actor=call.actor)
    return _done(call, "acknowledged", alarm)


async def shelve(call: Call) -> web.StreamResponse:
    """Takes away its sound for a time, and nothing else."""
    minutes = (await call.body(ShelveBody)).minutes
    alarm = await call.engine.alarms.shelve(call.path("alarm_id"), minutes, actor=call.actor)
    return _done(call, "shelved" if minutes else "unshelved", alarm)


def alarm_views(engine: Engine) -> tuple[wire.Alarm, ...]:
    return tuple(_view(alarm) for alarm in engine.alarms.standing())


def _view(alarm: Alarm) -> wire.Alarm:
    return wire.Alarm(
        id=alarm.id,
        code=alarm.code,
        priority=alarm.priority,
        robot_id=alarm.queue or None,
        task_id=alarm.task_id,
        since_ms=alarm.since_ms,
        first=alarm.first,
        acknowledged_by=alarm.acknowledged_by,
        acknowledged_at_ms=alarm.acknowledged_at_ms,
        shelved_by=alarm.shelved_by,
        shelved_until_ms=alarm.shelved_until_ms,
    )


def _done(call: Call, word: str, alarm: Alarm) -> web.Response:
    return call.answer(
        wire.AlarmDone(success=True, message=words(word, call.language), alarm=_view(alarm))
    )
