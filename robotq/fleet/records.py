"""Records as they go through the database: the same words as in this robotq, as JSON."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec.structs import replace

from robotq.model.carried.program import shown_params
from robotq.model.event import Event
from robotq.model.task import Task

_STEPS = 20
"""Of a command that runs; all of them go out when it has ended. A long scan has thousands."""


def task_row(daemon: str, task: Task, *, durable: bool = False) -> tuple[Any, ...]:
    """The parameters of `task`. `durable`: its daemon asks the fleet before it begins it after a
    start."""
    return (
        daemon,
        task.id,
        task.seq,
        task.revision,
        task.api,
        task.queue,
        str(task.state),
        task.command.cmd_type,
        task.command.cmd_id,
        task.error.code if task.error is not None else None,
        task.submitted_at_ms,
        task.ended_at_ms,
        durable,
        _text(_short(task)),
    )


def event_row(daemon: str, journal: int, event: Event) -> tuple[Any, ...]:
    """The parameters of `event`."""
    return (daemon, journal, event.id, event.at_ms, event.task_id, None, _text(event))


def shared_event_row(daemon: str, journal: int, event: Event) -> tuple[Any, ...]:
    """The same of one that several daemons have in their journals, each with a number of its
    own."""
    same = hashlib.sha256(msgspec.json.encode(replace(event, id=0))).hexdigest()
    return (daemon, journal, event.id, event.at_ms, event.task_id, same, _text(event))


def task_of(record: str) -> Task:
    """The task of a row. Another robotq may have written it: what it knows besides is left out."""
    return msgspec.json.decode(record, type=Task)


def called(record: str, task_id: str) -> str:
    """The same record of a task under another id."""
    task = task_of(record)
    return record if task.id == task_id else _text(replace(task, id=task_id))


def event_of(record: str) -> Event:
    return msgspec.json.decode(record, type=Event)


def _short(task: Task) -> Task:
    # a program is named by its file, which is where its daemon is
    command = replace(task.command, params=shown_params(task.command))
    steps = task.steps if task.state.final else task.steps[-_STEPS:]
    return replace(task, command=command, steps=steps)


def _text(record: msgspec.Struct) -> str:
    # PostgreSQL keeps no NUL in a text; in JSON it is written as six characters, which it keeps
    return msgspec.json.encode(record).decode("utf-8", "replace")
