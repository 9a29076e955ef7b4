"""Commands that repeat by the clock of the wall: each is submitted at its time, or skipped."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from robotq.catalog import Kind
from robotq.engine.commit.commit import Commit
from robotq.engine.holds.board import HoldBoard
from robotq.engine.intake.idempotency import Accepted
from robotq.engine.intake.read_command import Intake
from robotq.engine.queue.queue import TaskQueue
from robotq.engine.reads import Reads
from robotq.model.clock import WallClock
from robotq.model.errors import NotReadable, RobotqError
from robotq.model.event import Event
from robotq.model.json import JsonObject
from robotq.model.repeat import DAYS, ByTheClock, Skipped, from_fact, next_due_ms, to_fact, zone_of
from robotq.store.port import AppendEvent, Mutation, SetFact

_log = logging.getLogger(__name__)

FACT = "repeat:"
"""What the names of their facts begin with."""
MOST = 200
"""So many repeats at most."""
_COMMAND_BYTES = 65_536
_LATE_MS = 60_000
"""A run that could not be looked at for longer was missed: the daemon was off, the machine slept,
or somebody has set its clock."""
_SET_BACK_MS = 26 * 3_600_000
"""What is handled further ahead than that was handled by a clock that was wrong."""
_MISSED = 10_000
"""Of missed runs, counted at most."""
_AT = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_WITHIN_S = (60, 86_400)


class RepeatsByTheClock:
    """Kept on disk, one fact each; changed in one commit with the task of a run, so that no run
    is made twice or lost, whenever the process dies. None is ever caught up."""

    def __init__(
        self,
        *,
        queue: TaskQueue,
        commit: Commit,
        reads: Reads,
        holds: HoldBoard,
        clock: WallClock,
        intake: Callable[[], Intake],
        facts: Mapping[str, JsonObject],
    ) -> None:
        self._queue = queue
        self._commit = commit
        self._reads = reads
        self._holds = holds
        self._clock = clock
        self._intake = intake
        self._changing = asyncio.Lock()
        self._all: dict[str, ByTheClock] = {}
        self._due_ms: dict[str, int] = {}
        self._facts: Mapping[str, JsonObject] | None = facts
        """What is still to be read."""

    async def all(self) -> Sequence[ByTheClock]:
        """In the order in which they are due."""
        await self._ready()
        return sorted(self._all.values(), key=lambda one: self._due_ms[one.id])

    def next_ms(self, repeat: ByTheClock) -> int:
        return self._due_ms.get(repeat.id, repeat.next_ms())

    async def make(
        self, command: Any, *, at: str, days: Sequence[str] | None, zone: str | None,
        within_s: int, actor: str, agent: bool,
    ) -> ByTheClock:  # fmt: skip
        """Repeat a command from now on. The same once more is the one that there is, so that a
        request can be sent again.

        Raises RobotqError bad_parameter, store_unavailable, and what a submit would raise.
        """
        if self._queue.closed:
            raise RobotqError("shutting_down")
        robot, body = self._read(command)
        chosen = tuple(day for day in DAYS if days is None or day in days)
        _check(at, days, chosen, within_s)
        try:
            await asyncio.to_thread(zone_of, zone)
        except ValueError as error:
            raise _bad("zone", str(error)) from error
        await self._ready()
        async with self._changing:
            now_ms = self._clock.now_ms()
            made = ByTheClock(
                id=f"repeat_{secrets.token_hex(6)}",
                at=at, days=chosen, zone=zone, within_s=within_s, robot=robot, command=body,
                actor=actor, agent=agent, made_ms=now_ms, handled_ms=now_ms,
            )  # fmt: skip
            there = next((one for one in self._all.values() if _same(one, made)), None)
            if there is not None:
                return there
            if len(self._all) >= MOST:
                raise _bad("repeats", f"there are {MOST} already; remove one first")
            await self._written(made, self._event("repeat.made", made, actor, at=made.at))
            return made

    async def remove(self, repeat_id: str, *, actor: str) -> ByTheClock:
        """Repeat it no more. Raises RobotqError repeat_not_found, store_unavailable."""
        await self._ready()
        async with self._changing:
            found = self._all.get(repeat_id)
            if found is None:
                raise RobotqError("repeat_not_found", repeat_id=repeat_id[:100])
            event = self._event("repeat.removed", found, actor)
            await self._commit.written([SetFact(FACT + found.id, None), event])
            del self._all[found.id]
            del self._due_ms[found.id]
            return found

    async def look(self) -> None:
        """Run or skip what is due; asked every second."""
        # so that nothing is logged each second while the disk takes no writes
        await self._commit.disk.until_available()
        await self._ready()
        now_ms = self._clock.now_ms()
        for repeat in list(self._all.values()):
            if repeat.handled_ms > now_ms + _SET_BACK_MS:
                # by a clock that was far ahead it would not be due for as long
                self._keep(replace(repeat, handled_ms=now_ms))
            elif self._due_ms[repeat.id] <= now_ms:
                await self._turn(repeat.id)

    async def _ready(self) -> None:
        """Read what was kept; the files of time zones are looked for off the loop."""
        async with self._changing:
            if self._facts is None:
                return
            for repeat in await asyncio.to_thread(lambda facts: list(_found(facts)), self._facts):
                self._keep(repeat)
            self._facts = None

    async def _turn(self, repeat_id: str) -> None:
        async with self._changing:
            repeat, now_ms = self._all.get(repeat_id), self._clock.now_ms()
            if repeat is None or self._due_ms[repeat_id] > now_ms or self._queue.closed:
                return
            due_ms, missed = self._latest(repeat, now_ms)
            try:
                why = await self._why_not(repeat, now_ms - due_ms)
                if why is None:
                    await self._submit(repeat, due_ms)
                    return
            except NotReadable:
                raise
            except RobotqError as error:
                if error.code.name in ("store_unavailable", "shutting_down"):
                    # it is looked at again; when it is too late by then, it was missed
                    raise
                why = ("skip.refused", {"error": error.code.name, "args": error.args_})
            await self._skip(repeat, due_ms, missed, *why)

    def _latest(self, repeat: ByTheClock, now_ms: int) -> tuple[int, int]:
        """The latest time that was due, and how many were."""
        due_ms, missed = self._due_ms[repeat.id], 1
        while missed < _MISSED:
            zone = zone_of(repeat.zone)
            following_ms = next_due_ms(repeat.at, repeat.days, zone, due_ms)
            if following_ms > now_ms:
                break
            due_ms, missed = following_ms, missed + 1
        return due_ms, missed

    async def _why_not(self, repeat: ByTheClock, late_ms: int) -> tuple[str, JsonObject] | None:
        if late_ms > _LATE_MS:
            return "skip.off", {}
        if self._holds.held(repeat.robot):
            return "skip.held", {"robot": repeat.robot}
        if repeat.last_task_id is not None:
            before = await self._reads.task_if_any(repeat.last_task_id)
            if before is not None and (not before.state.final or before.outcome_unknown):
                return "skip.before", {"task_id": before.id}
        return None

    async def _submit(self, repeat: ByTheClock, due_ms: int) -> None:
        order = self._intake().read(repeat.command)
        order = replace(order, expires_at_ms=due_ms + repeat.within_s * 1000)
        ran: list[ByTheClock] = []

        def along(accepted: Accepted) -> Sequence[Mutation]:
            (task_id,) = accepted.task_ids
            ran.append(replace(repeat, handled_ms=due_ms, last_ms=due_ms, last_task_id=task_id))
            return [SetFact(FACT + repeat.id, to_fact(ran[0]))]

        await self._queue.submit(
            [order], api="robot", actor=repeat.actor, agent=repeat.agent, along=along
        )
        self._keep(ran[0])

    async def _skip(
        self, repeat: ByTheClock, due_ms: int, missed: int, code: str, args: JsonObject
    ) -> None:
        before = repeat.skipped
        in_a_row = before is not None and before.code == code and before.at_ms == repeat.handled_ms
        told = missed + (before.missed if in_a_row and before is not None else 0)
        skipped = Skipped(at_ms=due_ms, missed=told, code=code, args=args)
        now = replace(repeat, handled_ms=due_ms, skipped=skipped)
        _log.warning("%s, which repeats at %s, was skipped (%s)", _name(repeat), repeat.at, code)
        event = self._event(
            "repeat.skipped", now, "robotq", due_ms=due_ms, missed=missed, code=code, args=args
        )
        await self._written(now, event)

    async def _written(self, repeat: ByTheClock, event: Mutation) -> None:
        await self._commit.written([SetFact(FACT + repeat.id, to_fact(repeat)), event])
        self._keep(repeat)

    def _keep(self, repeat: ByTheClock) -> None:
        self._due_ms[repeat.id] = repeat.next_ms()
        self._all[repeat.id] = repeat

    def _event(self, kind: str, repeat: ByTheClock, actor: str, **data: Any) -> AppendEvent:
        return AppendEvent(
            Event(
                kind=kind,
                at_ms=self._clock.now_ms(),
                actor=actor,
                api="robot",
                robot=repeat.robot,
                data={"repeat_id": repeat.id, "cmd_type": repeat.command["cmd_type"], **data},
            )
        )

    def _read(self, command: Any) -> tuple[str, JsonObject]:
        """The robot and the command as it is kept. Raises RobotqError."""
        try:
            order = self._intake().read(command)
            if "cmd_type" not in command:
                raise _bad("cmd_type", "expected a command that is not wrapped")
            if order.spec.kind is not Kind.QUEUED:
                raise _bad("cmd_type", f"{order.command.cmd_type} acts at once")
            for key in ("not_before", "expires_at", "repeat"):
                if command.get(key) is not None:
                    raise _bad(key, "its time is that of the repeat")
            if len(orjson.dumps(command)) > _COMMAND_BYTES:
                raise _bad("params", f"a command that repeats has at most {_COMMAND_BYTES} bytes")
        except RobotqError as error:
            if "field" in error.args_:
                error.args_["field"] = f"command.{error.args_['field']}"
            raise
        # whichever is the default one by then, it is this one
        return order.robot, {**command, "robot_id": order.robot}


def _found(facts: Mapping[str, JsonObject]) -> Iterator[ByTheClock]:
    for name, fact in facts.items():
        if not name.startswith(FACT):
            continue
        try:
            repeat = from_fact(fact)
            repeat.next_ms()
        except (msgspec.ValidationError, ValueError) as error:
            _log.error("%s cannot be read and does not run: %s", name, error)
            continue
        yield repeat


def _same(one: ByTheClock, other: ByTheClock) -> bool:
    kept = ("at", "days", "zone", "within_s", "robot", "command", "actor", "agent")
    return all(getattr(one, name) == getattr(other, name) for name in kept)


def _name(repeat: ByTheClock) -> str:
    return f"{repeat.command['cmd_type']} of {repeat.robot} ({repeat.id})"


def _check(at: str, days: Sequence[str] | None, chosen: Sequence[str], within_s: int) -> None:
    """Raises RobotqError bad_parameter."""
    if not _AT.fullmatch(at):
        raise _bad("at", "expected a time of day such as 22:00")
    if days is not None and (not chosen or len(days) != len(chosen)):
        raise _bad("days", f"expected some of {', '.join(DAYS)}")
    if not _WITHIN_S[0] <= within_s <= _WITHIN_S[1]:
        raise _bad("within_s", f"expected seconds from {_WITHIN_S[0]} to {_WITHIN_S[1]}")


def _bad(field: str, reason: str) -> RobotqError:
    return RobotqError("bad_parameter", field=field, reason=reason)
