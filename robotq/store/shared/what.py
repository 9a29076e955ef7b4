"""What daemons share, and by which names."""

from __future__ import annotations

import logging
from collections.abc import Container

from robotq.store.port import (
    AddToTally,
    AppendEvent,
    DropAnswer,
    DropItem,
    ItemQuery,
    Mutation,
    Restored,
    SaveAnswer,
    SaveDelivery,
    SaveItem,
    SaveItemBatch,
    SaveTask,
    Store,
)

_log = logging.getLogger(__name__)

SHARED = frozenset({"task_queue", "orchestrator", "dispatcher"})
"""Interfaces, and their queues."""

CHECKLIST = "checklist"
"""The interface of the checklist. What people put on it is shared; an item that a step in the queue
of a robot has made stays beside its task."""

THERE = "workers.there "
"""Begins the name of the fact that says which workers a daemon has."""

READ_UP_TO = "workers.read_up_to"
"""The fact that says which events of the shared journal are in the daemon's own."""

FRONTS = 1_024
"""Daemons whose numbers of arrival differ for certain."""


def of_workers(scope: str) -> bool:
    """Whether answers of this scope are shared."""
    return scope.partition(":")[0] in (*SHARED, CHECKLIST)


def is_shared(mutation: Mutation, sent: Container[str]) -> bool:
    """Whether it is for the shared database. `sent`: webhooks of tasks for workers, by id."""
    match mutation:
        case SaveTask(task):
            return task.api in SHARED
        case AddToTally(tally):
            return tally.api in SHARED
        case SaveAnswer(answer) | DropAnswer(answer):
            return of_workers(answer.scope)
        case SaveDelivery(delivery):
            return delivery.id in sent
        case SaveItem(item):
            return item.task_id is None
        case DropItem(of_step=of_step):
            return not of_step
        case SaveItemBatch():
            return True
        case AppendEvent(event):
            # one that has a number was read from there
            if event.id != 0:
                return False
            return (event.api in SHARED and event.task_id is not None) or (
                event.api == CHECKLIST and event.task_id is None
            )
        case _:
            return False


async def tell_what_is_passed_over(own: Store, restored: Restored) -> None:
    """What is shared from now on, and is in the daemon's own database from before."""
    strangers = [task for task in restored.unfinished if task.api in SHARED]
    if strangers:
        _log.warning(
            "%d tasks for workers are in the daemon's own database, and are not handed "
            "out while store.workers is set",
            len(strangers),
        )
    _, items = await own.items(ItemQuery(of_steps=False, limit=1))
    if items:
        _log.warning(
            "%d items of the checklist are in the daemon's own database, and are not "
            "listed while store.workers is set",
            items,
        )
