"""Carries out commands with an engine in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from robotq.api.http.errors import encoded
from robotq.api.robot.answers.holds import wait_view
from robotq.api.robot.answers.task import task_view
from robotq.catalog import Kind
from robotq.cli.shared.display.junit import Outcome
from robotq.cli.shared.display.show import TaskView, wall_seconds
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.files import read_file
from robotq.cli.shared.follow import LOOK_S, follow
from robotq.cli.shared.words import language_here
from robotq.engine.engine import Engine
from robotq.engine.intake.read_command import Order
from robotq.model.errors import RobotqError
from robotq.model.hold import TRANSIENT_HOLDS, HoldCode
from robotq.model.json import JsonObject
from robotq.model.json.text import parse_unique
from robotq.model.task import Task, TaskState

Person: TypeAlias = Callable[[Engine, Task], Awaitable[None]]
"""Answers the question of a running task."""

ACTOR = "robotq run"
"""Who did it, in the journal."""
_API = "robot"
_PASSING = TRANSIENT_HOLDS - {HoldCode.DOES_NOT_FIT}
"""Holds that are over without a person."""

_STILL_LOOKS = 5
"""Looks at which nothing moves before a wait counts as one without end."""

_CONNECT_S = 30.0
"""Wall seconds that the robots get to connect before it is given up."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command file as it was read."""

    name: str
    body: Any
    """A command, or a list of commands: a batch."""


def read_entries(files: Sequence[Path]) -> list[Entry]:
    """Raises Failure for a file that cannot be read or holds no JSON."""
    entries = []
    for file in files:
        try:
            entries.append(Entry(str(file), parse_unique(read_file(file))))
        except RobotqError as error:
            raise Failure(f"{file}: {error}", ExitCode.USAGE) from error
    return entries


async def carry_out(
    engine: Engine,
    entries: Sequence[Entry],
    view: TaskView,
    outcomes: list[Outcome],
    person: Person | None = None,
) -> bool:
    """Carry out all entries in order, as if each had been posted to the daemon.

    Adds one outcome per command, in order, as they end. A command behind a hold that only a
    person could lift is cancelled, since nobody is here to do it; so is one that asks a
    question, unless there is a `person`.
    Raises Failure, before anything moves, for an entry that is not right and for a robot
    that does not connect.
    """
    for entry in entries:
        _check(engine, entry)
    await _connected(engine)
    local = _Local(engine, person)
    begun = [(entry, await local.begin(entry)) for entry in entries]
    for entry, result in begun:
        if isinstance(result, Outcome):
            outcomes.append(result)
            continue
        for task_id in result:
            (task,) = await follow(local.look, [task_id], view)
            outcomes.append(_outcome_of(entry, task))
    return True


class _Local:
    """Tasks of the engine here, looked at as if over HTTP."""

    def __init__(self, engine: Engine, person: Person | None) -> None:
        self._engine = engine
        self._person = person
        self._still = 0
        """Looks in a row at which nothing ran and the task was passed over."""
        self._language = language_here()

    async def begin(self, entry: Entry) -> Sequence[str] | Outcome:
        """Accept an entry's commands and return their tasks, or do at once what acts at once."""
        batch = isinstance(entry.body, list)
        orders = _orders(self._engine, entry)
        if not batch and orders[0].spec.kind is not Kind.QUEUED:
            return await at_once(self._engine, entry, orders[0])
        accepted = await self._engine.queue.submit(orders, api=_API, actor=ACTOR, batch=batch)
        return accepted.task_ids

    async def look(self, task_id: str) -> JsonObject:
        """The task when it has ended, or after a short while."""
        queue = self._engine.queue
        task = await queue.wait_ended(task_id, LOOK_S)
        if task.waiting_for is not None and self._person is not None:
            await self._person(self._engine, task)
        elif (reason := self._hopeless(task)) is not None:
            task = await queue.cancel(task_id, actor=ACTOR, reason=reason)
        view: dict[str, Any] = orjson.loads(encoded(task_view(task, self._engine, self._language)))
        return view

    def _hopeless(self, task: Task) -> str | None:
        """Why a task cannot get on without a person."""
        if task.waiting_for is not None:
            return "it asks a question, and nobody is here to answer"
        if task.state is not TaskState.PENDING or self._engine.reads.running():
            self._still = 0
            return None
        if {hold.code for hold in self._engine.holds.of(task.queue)} - _PASSING:
            return "the robot's queue is held, and nobody is here to lift that"
        waits = self._engine.queue.waits(task)
        self._still = self._still + 1 if waits else 0
        if self._still < _STILL_LOOKS:
            return None
        return f"it waits, and nothing moves: {wait_view(waits[0], self._language)['reason']}"


async def at_once(engine: Engine, entry: Entry, order: Order) -> Outcome:
    """Serve an immediate command."""
    outcome = Outcome(
        suite=entry.name, cmd_type=order.command.cmd_type, cmd_id=order.command.cmd_id
    )
    try:
        return replace(outcome, result=await engine.immediate.serve(order, actor=ACTOR))
    except RobotqError as error:
        return replace(outcome, failure=error.text(language_here()), kind=error.code.name)


def _check(engine: Engine, entry: Entry) -> None:
    try:
        _orders(engine, entry)
    except RobotqError as error:
        # an earlier command may be the one that arms the system
        if error.code.name != "not_armed":
            raise Failure(f"{entry.name}: {error}", ExitCode.USAGE) from error


def _orders(engine: Engine, entry: Entry) -> list[Order]:
    if isinstance(entry.body, list):
        return engine.intake.read_batch(entry.body)
    return [engine.intake.read(entry.body)]


async def _connected(engine: Engine) -> None:
    try:
        async with asyncio.timeout(_CONNECT_S):
            # a link tells nobody when it is made
            while any(engine.holds.has(name, HoldCode.DISCONNECTED) for name in engine.robots):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    except TimeoutError:
        holds = [hold for hold in engine.holds.all() if hold.code is HoldCode.DISCONNECTED]
        told = "; ".join(f"{hold.robot}: {hold.args.get('reason', '')}" for hold in holds)
        raise Failure(f"not connected after {_CONNECT_S:g} s: {told}") from None


def _outcome_of(entry: Entry, task: JsonObject) -> Outcome:
    completed = task["state"] == "completed"
    return Outcome(
        suite=entry.name,
        cmd_type=task["cmd_type"],
        cmd_id=task["cmd_id"],
        seconds=wall_seconds(task),
        result=task["result"],
        failure=None if completed else task["message"],
        kind="" if completed else task["error_code"],
        skipped=task["start_time"] is None,
    )
