"""Waits for tasks and shows them meanwhile, whether they are here or at a daemon."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.http import Daemon
from robotq.cli.shared.show import TaskView
from robotq.model.json import JsonObject

LOOK_S = 0.2
"""Wall seconds between two looks at a task that is being watched."""

Look: TypeAlias = Callable[[str], Awaitable[JsonObject]]
"""Task id -> the task as `GET /task/<id>` answers it: at once when it has ended, else after
`LOOK_S`."""


def looking_at(daemon: Daemon) -> Look:
    """Looks at tasks of a running daemon."""

    async def look(task_id: str) -> JsonObject:
        task: JsonObject = await daemon.get(f"/task/{task_id}", wait=LOOK_S)
        return task

    return look


async def follow(
    look: Look, task_ids: Iterable[str], view: TaskView, timeout_s: float | None = None
) -> list[JsonObject]:
    """Show tasks, one after the other, until all have ended; returns them as they are then.

    Raises Failure UNFINISHED when `timeout_s` of wall time is over.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    ended = []
    for task_id in task_ids:
        view.submitted(task_id)
        while not has_ended(task := await look(task_id)):
            view.update(task)
            if deadline is not None and time.monotonic() >= deadline:
                raise Failure(
                    f"{task_id} has not ended after {timeout_s:g} s; it goes on",
                    ExitCode.UNFINISHED,
                )
        view.update(task)
        ended.append(task)
    return ended


def has_ended(task: JsonObject) -> bool:
    return task["state"] not in ("pending", "running")


def is_completed(task: JsonObject) -> bool:
    return bool(task["state"] == "completed")
