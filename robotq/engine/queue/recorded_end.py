"""The end of a command comes to the disk, with or without what it has reported."""

from __future__ import annotations

import logging

from robotq.engine.queue.claims import Claims
from robotq.engine.queue.ending import Ending
from robotq.engine.queue.step_recorder import Report
from robotq.model.errors import RobotqError
from robotq.model.task import Asked, Task

_log = logging.getLogger(__name__)


async def record_end(
    claims: Claims,
    task: Task,
    ending: Ending,
    report: Report,
    *,
    asked: Asked | None,
    claim_next: bool,
) -> Task | None:
    """As `Claims.finish`. What is refused for the sake of something that goes along, a report or
    the claim of the next task, is written once more by itself: how the command ended is known, and
    a fault of ours must not make it unknown."""
    try:
        return await claims.finish(task, ending, report, asked=asked, claim_next=claim_next)
    except RobotqError:
        # the end was recorded otherwise already
        raise
    except Exception:  # noqa: BLE001 - whatever it is that the disk does not take
        _log.exception("%s ends without what it has reported last", task.id)
    return await claims.finish(task, ending, report.alone(), asked=asked, claim_next=False)
