"""What a client does with tasks that it has handed in."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from robotq.client import calls
from robotq.client.asynchronous.exchange import Exchange
from robotq.client.errors import Refused
from robotq.client.request import new_key
from robotq.client.shapes import AcceptedBatch, Task, ToCancel
from robotq.client.trying import Progress, Watching
from robotq.model.json import JsonValue
from robotq.wire.robots import MovedTask as Moved
from robotq.wire.task_lists import CancelledMany, TaskLine
from robotq.wire.task_lists import Tasks as TaskPage


class Tasks(Exchange):
    """Looks at tasks, waits for them, calls them off, decides about them."""

    async def task(self, task_id: str, *, wait_s: float = 0.0) -> Task:
        """A task as it is, or as soon as it has ended, after `wait_s` (60 at most) at the
        latest."""
        return await self._do(calls.task(task_id, wait_s))

    async def tasks(
        self, *, cursor: str | None = None, limit: int = 50, **filters: Any
    ) -> TaskPage:
        """A page of tasks, newest first. `filters`: state, robot_id, cmd_type, cmd_id, batch_id,
        error_code, api, to; `from` as `**{"from": ...}`."""
        return await self._do(calls.tasks({**filters, "cursor": cursor, "limit": limit}))

    async def all_tasks(self, **filters: Any) -> AsyncIterator[TaskLine]:
        """Every task, newest first, page by page as they are needed."""
        cursor: str | None = None
        while True:
            page = await self.tasks(cursor=cursor, limit=500, **filters)
            for task in page.tasks:
                yield task
            cursor = page.next_cursor
            if cursor is None:
                return

    async def wait(
        self,
        task_id: str,
        *,
        timeout_s: float | None = None,
        progress: Progress | None = None,
        interval_s: float = 0.5,
    ) -> Task:
        """The task when it has ended, however that was; `check()` raises where it failed.

        `progress` gets the task each time that something about it has changed, looked at every
        `interval_s`. Raises NotFinished after `timeout_s`; the task goes on.
        """
        watching = Watching(timeout_s, progress, interval_s)
        while True:
            task = await self.task(task_id, wait_s=watching.wait_s)
            if watching.seen(task):
                return task

    async def wait_all(
        self, task_ids: Iterable[str], *, timeout_s: float | None = None
    ) -> Sequence[Task]:
        """All of them when they have ended, in this order."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        return [
            await self.wait(
                task_id,
                timeout_s=None if deadline is None else max(deadline - time.monotonic(), 0.001),
            )
            for task_id in task_ids
        ]

    async def cancel(self, task_id: str, reason: str = "") -> Task:
        """Call a task off; a running one is stopped. Returns the cancelled task."""
        try:
            return await self._do(calls.cancel(task_id, reason))
        except Refused as refusal:
            # the answer to an attempt that worked may have been lost
            if refusal.repeated and (task := await self.task(task_id)).cancelled:
                return task
            raise

    async def to_cancel(self, **selection: Any) -> ToCancel:
        """How many tasks are meant; nothing is done. By `robot_id`, `batch_id`, `cmd_type`,
        `cmd_id`, `group`, `api`, `task_ids`, or `all=True`; `state="pending,running"` for those
        that run too."""
        return await self._do(calls.to_cancel(selection))

    async def cancel_many(self, found: ToCancel, reason: str = "") -> CancelledMany:
        """Call off what `to_cancel` has told, and nothing that was submitted later.

        Raises Refused with the code `count_differs`, and nothing is cancelled, where other tasks
        match by now. The same again goes on where the first was broken off.
        """
        return await self._do(calls.cancel_many(found, reason))

    async def move(self, task_id: str, robot_id: str, note: str = "") -> Moved:
        """Give a waiting task, with those of its contiguous batch, to another robot, for example
        where its own is not configured any more. Never sent again after it may have reached the
        daemon: that robot may have begun it."""
        return await self._do(calls.move(task_id, robot_id, note))

    async def move_all(self, robot_id: str, to: str, note: str = "") -> Sequence[str]:
        """Give all that waits for a robot to another one, in order. Returns what was moved.

        One by one: where one is Refused (that robot cannot do it), those before it have moved
        and the others still wait.
        """
        moved: list[str] = []
        more = True
        while more:
            status = await self._do(calls.queue_status(robot_id, 200))
            left = [one for one in calls.waiting(status) if one not in moved]
            # a robot that is not configured is unknown when nothing of it is left
            more = bool(left) and status.robots[robot_id].queue_size > len(left)
            for task_id in left:
                if task_id not in moved:
                    moved += (await self.move(task_id, to, note)).task_ids
        return moved

    async def resolve(
        self,
        task_id: str,
        outcome: str,
        note: str = "",
        *,
        revision: int | None = None,
        then: str | None = None,
    ) -> Task:
        """Say how a task with unknown outcome ended, after looking at the robot: completed,
        failed or retry.

        `revision`: of the task as it was seen, else of what it is at the moment of the call;
        one that has changed since is Refused task_changed. `then`: continue or stay_paused.
        """
        key = new_key()
        if revision is None:
            revision = (await self.task(task_id)).revision
        return await self._do(
            calls.resolve(task_id, outcome, key, note=note, revision=revision, then=then)
        )

    async def retry(self, task_id: str, note: str = "", *, then: str | None = None) -> Task:
        """Run an ended command again, as a new task at the head of its queue. Sent again
        with the same Idempotency-Key until there is an answer, so it counts once."""
        return await self._do(calls.retry(task_id, new_key(), note, then))

    async def retry_batch(
        self, batch_id: str, note: str = "", *, then: str | None = None
    ) -> AcceptedBatch:
        """Run what has not completed of an ended batch again, in its order, as one batch."""
        return await self._do(calls.retry_batch(batch_id, new_key(), note, then))

    async def answer_task(
        self, task_id: str, value: JsonValue, *, question: int | None = None
    ) -> Task:
        """Answer the question (`waiting_for`) of a running command.

        `question`: its `asked_at_ms`, else that of the one that is open at the moment of the
        call. Another one is never answered: Refused no_question.
        """
        if question is None and (asked := (await self.task(task_id)).waiting_for) is not None:
            question = asked.asked_at_ms
        return await self._do(calls.answer_task(task_id, value, question))

    async def approve(
        self,
        task_id: str,
        note: str = "",
        *,
        revision: int | None = None,
        then: str | None = None,
    ) -> Task:
        """Let a task run that an agent submitted and that waits for a person's approval.
        `revision`, `then`: as for `resolve`."""
        if revision is None:
            revision = (await self.task(task_id)).revision
        return await self._do(calls.approve(task_id, note, revision, then))

    async def reject(self, task_id: str, reason: str = "", *, revision: int | None = None) -> Task:
        """Refuse such a task; it never runs. `revision`: as for `resolve`."""
        if revision is None:
            revision = (await self.task(task_id)).revision
        return await self._do(calls.reject(task_id, reason, revision))
