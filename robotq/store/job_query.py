"""Lists of the tasks for workers: by what their interface keeps with them, in pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from robotq.model.task import Task, TaskState


class JobOrder(StrEnum):
    """What tasks can be sorted by; those that are the same there by their arrival."""

    ARRIVAL = "arrival"
    PRIORITY = "priority"
    STATE = "state"
    """In the order of the alphabet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQuery:
    """Which tasks of one interface to list, and which page of them."""

    api: str
    states: frozenset[TaskState] = frozenset()
    """Empty: all."""
    priority: int | None = None
    match_contains: str | None = None
    """A part of the match key, upper and lower case being different."""
    tags: tuple[str, ...] = ()
    """All of them have to be among `command.extra["tags"]`."""
    submitted_from_ms: int | None = None
    submitted_to_ms: int | None = None
    """Both ends are included."""
    order: JobOrder = JobOrder.ARRIVAL
    descending: bool = True
    """The whole order, also of those that are the same."""
    offset: int = 0
    limit: int = 100


def listed_jobs(tasks: Iterable[Task], query: JobQuery) -> tuple[Sequence[Task], int]:
    """The page of `query` out of all tasks, and how many there are on all pages."""
    found = sorted(
        (task for task in tasks if _wanted(task, query)),
        key=lambda task: (_rank(task, query.order), task.seq),
        reverse=query.descending,
    )
    return found[query.offset : query.offset + query.limit], len(found)


def _wanted(task: Task, query: JobQuery) -> bool:
    tags = task.command.extra.get("tags", ())
    return (
        task.api == query.api
        and (not query.states or task.state in query.states)
        and query.priority in (None, task.priority)
        and (query.match_contains is None or query.match_contains in _match(task))
        and all(tag in tags for tag in query.tags)
        and (query.submitted_from_ms is None or task.submitted_at_ms >= query.submitted_from_ms)
        and (query.submitted_to_ms is None or task.submitted_at_ms <= query.submitted_to_ms)
    )


def _match(task: Task) -> str:
    return task.work.match if task.work is not None else ""


def _rank(task: Task, order: JobOrder) -> int | str:
    match order:
        case JobOrder.PRIORITY:
            return task.priority
        case JobOrder.STATE:
            return task.state.value
        case JobOrder.ARRIVAL:
            return task.seq
