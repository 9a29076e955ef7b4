"""Waits for tasks and shows them meanwhile, whether they are here or at a daemon."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator, Iterable
from typing import TYPE_CHECKING, TypeAlias

from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.http import Caller
from robotq.model.json import JsonObject

if TYPE_CHECKING:
    from robotq.cli.shared.display.show import TaskView
    from robotq.client import AsyncClient

LOOK_S = 0.2
"""Wall seconds between two looks at a task that is being watched."""

Look: TypeAlias = Callable[[str], Awaitable[JsonObject]]
"""Task id -> the task as `GET /task/<id>` answers it: at once when it has ended, else after
`LOOK_S`."""


def looking_at(client: AsyncClient) -> Look:
    """Looks at tasks of a running daemon."""

    async def look(task_id: str) -> JsonObject:
        query = {"wait": LOOK_S}
        task: JsonObject = await client.request("GET", f"/task/{task_id}", query=query)
        return task

    return look


async def follow(look: Look, task_ids: Iterable[str], view: TaskView) -> list[JsonObject]:
    """Show tasks, one after the other, until all have ended; returns them as they are then."""
    following = _following(task_ids, view, None)
    try:
        task_id = next(following)
        while True:
            task_id = following.send(await look(task_id))
    except StopIteration as end:
        ended: list[JsonObject] = end.value
        return ended


def follow_at(
    caller: Caller, task_ids: Iterable[str], view: TaskView, timeout_s: float | None
) -> list[JsonObject]:
    """The same with tasks of a running daemon. Raises Failure UNFINISHED when `timeout_s` of
    wall time is over."""
    following = _following(task_ids, view, timeout_s)
    try:
        task_id = next(following)
        while True:
            task_id = following.send(caller.get(f"/task/{task_id}", wait=LOOK_S))
    except StopIteration as end:
        ended: list[JsonObject] = end.value
        return ended


def _following(
    task_ids: Iterable[str], view: TaskView, timeout_s: float | None
) -> Generator[str, JsonObject, list[JsonObject]]:
    """Which task is to be looked at; gets it as it is."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    ended = []
    for task_id in task_ids:
        view.submitted(task_id)
        while not has_ended(task := (yield task_id)):
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
