"""A program from one of its lines on, because a person has decided so: first shown, then run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice

import msgspec
from msgspec.structs import replace

from robotq.drivers.base import ReadsPrograms, ResumesPrograms, Resumption
from robotq.engine.control.again import Again
from robotq.engine.intake.idempotency import Accepted, KeyedRequest
from robotq.engine.intake.judging import Judging, Look
from robotq.engine.intake.programs import Programs
from robotq.engine.intake.read_command import Order
from robotq.engine.intake.taking import Taking, taking_in
from robotq.engine.queue.queue import TaskQueue
from robotq.engine.reads import Reads
from robotq.model.carried.program import PROGRAM, text_bytes
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.task import Task

_AT_ONCE = 2_000
"""Lines that are written in one go."""


class FromLineLook(msgspec.Struct, frozen=True, kw_only=True):
    """What would run."""

    task: Task
    order: Order
    from_line: int
    seen: str
    """The SHA-256 of the program that would run: who sends it back has seen this one."""
    resumption: Resumption
    outlook: JsonObject | None


class FromLine:
    """Asks the driver what the lines before have left in effect, and hands the rest in as a
    retry."""

    def __init__(
        self,
        *,
        again: Again,
        queue: TaskQueue,
        reads: Reads,
        judging: Judging,
        programs: Programs,
        drivers: Mapping[str, object],
    ) -> None:
        self._again = again
        self._queue = queue
        self._reads = reads
        self._judging = judging
        self._programs = programs
        self._drivers = drivers

    async def look(self, task_id: str, line: int) -> FromLineLook:
        """Nothing is done. Raises RobotqError task_not_found, wrong_state, robot_cannot,
        from_line_refused, program_refused, program_lost, and as a retry does."""
        async with self._prepared(task_id, line) as look:
            return look

    async def run(
        self,
        task_id: str,
        line: int,
        seen: str,
        *,
        actor: str,
        note: str = "",
        stay_paused: bool = False,
        keyed: KeyedRequest | None = None,
    ) -> Accepted:
        """The same as a retry with that program. Raises also RobotqError from_line_changed where
        it is not the one that was `seen`."""
        async with self._prepared(task_id, line) as look:
            if look.seen != seen:
                raise RobotqError("from_line_changed", seen=look.seen)
            return await self._queue.retry(
                [(task_id, look.order)],
                actor=actor,
                note=note,
                stay_paused=stay_paused,
                keyed=keyed,
            )

    @asynccontextmanager
    async def _prepared(self, task_id: str, line: int) -> AsyncIterator[FromLineLook]:
        task = await self._reads.task(task_id)
        if not task.state.final or task.outcome_unknown:
            state = "outcome_unknown" if task.outcome_unknown else task.state.value
            raise RobotqError("wrong_state", task_id=task_id, state=state, action="rerun")
        order = self._again.order_of(task)
        driver = self._drivers.get(order.robot)
        params = order.command.params
        steps = order.spec.program(order.robot)
        if (
            not isinstance(driver, ResumesPrograms)
            or steps is None
            or not isinstance(params, dict)
            or order.spec.programs(order.robot) != (PROGRAM,)
        ):
            reason = "it does not run programs from a line on"
            cmd_type = order.command.cmd_type
            raise RobotqError("robot_cannot", robot=order.robot, cmd_type=cmd_type, reason=reason)
        streamed = driver.reads_as_files(steps) if isinstance(driver, ReadsPrograms) else ()
        async with taking_in(self._programs) as taking:
            found = await self._judging.in_turn(
                order.robot,
                partial(self._make, order, driver, streamed, (line, taking)),
                text_bytes(params.get(PROGRAM)),
            )
            text = await self._programs.on_thread(taking.end, taking.size)
            command = replace(order.command, params={**params, PROGRAM: text})
            order = replace(order, command=command, from_line=line, programs=(PROGRAM,))
            (outlook,) = await self._judging.outlooks([order])
            yield FromLineLook(
                task=task,
                order=order,
                from_line=line,
                seen=taking.sha256,
                resumption=found,
                outlook=outlook,
            )

    def _make(
        self,
        order: Order,
        driver: ResumesPrograms,
        streamed: Collection[str],
        into: tuple[int, Taking],
        look: Look,
    ) -> Resumption:
        """On the thread of the judge: read it, and write down what would run."""
        line, taking = into
        steps = order.spec.program(order.robot)
        assert steps is not None
        with self._programs.opened(order.command, streamed) as command:
            found = driver.from_line(command, steps, line, look)
            lines = found.lines
            while part := list(islice(lines, _AT_ONCE)):
                look(line)
                taking.write("".join(f"{one}\n" for one in part).encode("utf-8", "surrogatepass"))
        return found
