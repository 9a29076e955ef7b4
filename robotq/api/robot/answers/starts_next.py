"""What a robot begins with where its queue goes on: told to whoever decides about that."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from robotq.engine.engine import Engine


def starts_next(
    engine: Engine, queue: str, approved: Collection[str] = ()
) -> dict[str, Any] | None:
    """The waiting command that begins next, at once or as soon as nothing holds the queue;
    None where none can, or the queue is one for workers. `approved`: as if these tasks were."""
    if queue not in engine.robots:
        return None
    task = engine.queue.would_start(queue, approved)
    if task is None:
        return None
    return {"task_id": task.id, "cmd_type": task.command.cmd_type, "cmd_id": task.command.cmd_id}
