"""Answers of people to what a running command asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import unbroken
from robotq.engine.robot.run import Run
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.store.port import AppendEvent


class Answering:
    """Of one robot. `current`: the command that its driver has in hand."""

    def __init__(
        self, robot: str, current: Callable[[], Run | None], commit: Commit, clock: WallClock
    ) -> None:
        self._robot = robot
        self._current = current
        self._commit = commit
        self._clock = clock

    def asks_for(self, cmd_type: str | None) -> bool:
        """Whether it waits for an answer by this immediate command; None: for any answer."""
        run = self._current()
        pending = run.question if run is not None else None
        if pending is None or not pending.open:
            return False
        return cmd_type is None or pending.question.answered_by == cmd_type

    @unbroken
    async def answer(
        self, task_id: str, value: Any, *, actor: str, asked_at_ms: int | None = None
    ) -> None:
        """Answer the open question of a task. The answer is in the journal before it acts.

        Raises RobotqError no_question, bad_parameter, store_unavailable.
        """
        run = self._current()
        pending = run.question if run is not None and run.task.id == task_id else None
        if run is None or pending is None or not pending.open:
            raise RobotqError("no_question", reason=f"{task_id} asks nothing")
        if asked_at_ms is not None and pending.question.asked_at_ms != asked_at_ms:
            raise RobotqError("no_question", reason=f"{task_id} asks something else by now")
        pending.check(value)
        event = Event(
            kind="task.answered",
            at_ms=self._clock.now_ms(),
            actor=actor,
            api=run.task.api,
            robot=self._robot,
            task_id=task_id,
            data={"answer": value},
        )
        pending.being_answered = True
        try:
            await self._commit.write([AppendEvent(event)])
        finally:
            pending.being_answered = False
        crash_point(CrashPoint.ANSWERED)
        if not pending.give(value):
            raise RobotqError("no_question", reason=f"{task_id} has stopped waiting")
