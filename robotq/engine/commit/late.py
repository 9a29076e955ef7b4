"""What came to the disk after its caller had been told that it did not."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import Task
from robotq.store.port import Mutation, SaveTask

if TYPE_CHECKING:
    from robotq.engine.engine import Engine

_log = logging.getLogger(__name__)

_REASON = "reason.written_late"


async def undo_late(engine: Engine, mutations: Sequence[Mutation]) -> None:
    """Nothing that was told as refused may set a robot in motion: what is new is called off,
    and the queue of what is changed is paused, before the outage is over.

    Raises RobotqError store_unavailable where the disk is out again.
    """
    for mutation in mutations:
        if not isinstance(mutation, SaveTask):
            continue
        task = mutation.task
        _log.warning("%s was written after its caller had been told otherwise", task.id)
        if mutation.before is None:
            await _call_off(engine, task)
        elif task.queue in engine.robots and (task.resolution or not task.state.final):
            engine.holds.set(task.queue, HoldCode.PAUSED, reason=_REASON)
            hold = engine.holds.get(task.queue, HoldCode.OUTCOME_UNKNOWN)
            if task.resolution and hold is not None and hold.task_id == task.id:
                # it is resolved, so nobody could lift this any more
                await engine.hold_writer.lift(hold)


async def _call_off(engine: Engine, task: Task) -> None:
    try:
        await engine.queue.cancel_waiting(task.id, actor="robotq", reason=_REASON)
    except RobotqError as error:
        if error.code.name == "store_unavailable":
            raise
        _log.warning("%s is not called off: %s", task.id, error)
