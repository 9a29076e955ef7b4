"""What a data folder says of the same thing in two places, and whether both say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from robotq.model.event import Event
from robotq.model.hold import TRANSIENT_HOLDS, Hold
from robotq.model.task import Task, TaskState
from robotq.store.port import Restored


def contradictions(restored: Restored, latest: Sequence[Event]) -> Iterator[str]:
    """In words; none where all is well. Reads nothing: `latest` are the last events of the
    journal, as many as are worth the time."""
    yield from _counts(restored)
    yield from unheld(restored.finished, restored.holds)
    yield from journal_of_holds(restored.holds, latest)
    yield from journal_of_tasks([*restored.unfinished, *restored.finished], latest)


def _counts(restored: Restored) -> Iterator[str]:
    """Of tasks that have not ended nothing is ever removed, so that both have to agree."""
    found = Counter((task.api, task.queue, task.state) for task in restored.unfinished)
    kept = {
        key: number
        for key, number in restored.counts.items()
        if number and key[2] in (TaskState.PENDING, TaskState.RUNNING)
    }
    for key in sorted({*found, *kept}):
        if found[key] != kept.get(key, 0):
            api, queue, state = key
            yield (
                f"{queue}: {found[key]} tasks of {api} are {state.value}, "
                f"and {kept.get(key, 0)} are counted"
            )


def unheld(ended: Sequence[Task], holds: Sequence[Hold]) -> Iterator[str]:
    """Tasks of robots whose outcome nobody knows, and whose robot may go on all the same."""
    holding = {hold.task_id for hold in holds}
    for task in ended:
        if task.outcome_unknown and task.work is None and task.id not in holding:
            yield f"{task.id}: its outcome is unknown and nothing holds {task.queue}"


def journal_of_holds(holds: Sequence[Hold], latest: Sequence[Event]) -> Iterator[str]:
    """What the journal says last of each hold that it tells of."""
    transient = {code.value for code in TRANSIENT_HOLDS}
    held = {(hold.robot, hold.code.value) for hold in holds if hold.code not in TRANSIENT_HOLDS}
    told = {
        (event.robot, event.data["code"]): event.kind
        for event in latest
        if event.kind in ("hold.set", "hold.lifted") and event.data["code"] not in transient
    }
    for (robot, code), kind in told.items():
        if ((robot, code) in held) is not (kind == "hold.set"):
            said = "set" if kind == "hold.set" else "lifted"
            yield f"{robot}: the journal says last that {code} was {said}, and that is not so"


def journal_of_tasks(tasks: Sequence[Task], latest: Sequence[Event]) -> Iterator[str]:
    """What the journal says last of the state of each task that it tells of."""
    states = {
        event.task_id: event.after
        for event in latest
        if event.after is not None
        and event.kind not in ("hold.set", "hold.lifted", "task.resolved")
    }
    for task in tasks:
        told = states.get(task.id)
        if told is not None and told != task.state.value:
            yield f"{task.id}: it is {task.state.value}, and the journal says {told}"
