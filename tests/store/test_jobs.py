"""Lists of the tasks for workers: the store finds what a plain look through all of them finds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from robotq.model.task import Command, Task, TaskState, Work
from robotq.store.memory import MemoryStore
from robotq.store.port import SaveTask
from robotq.store.queries import JobOrder, JobQuery
from robotq.store.sqlite.store import SqliteStore
from tests.slices import examples

TAGS = ("a", "b", "a_b")
PLACES = ("/srv/one", "/srv/two", "/home/%_")


@st.composite
def jobs(draw: st.DrawFn) -> list[Task]:
    """Tasks as they were accepted, through two interfaces."""
    return [
        Task(
            id=f"job-{seq}",
            seq=seq,
            api=draw(st.sampled_from(("orchestrator", "dispatcher"))),
            queue="orchestrator",
            command=Command(
                cmd_type="prompt",
                extra={"tags": draw(st.lists(st.sampled_from(TAGS), unique=True))},
            ),
            actor="ann",
            submitted_at_ms=1_700_000_000_000 + draw(st.integers(0, 3)),
            priority=draw(st.sampled_from((-5, 0, 5))),
            rank=float(seq),
            work=draw(st.none() | st.builds(Work, match=st.sampled_from(PLACES))),
        )
        for seq in range(1, draw(st.integers(1, 12)))
    ]


QUERIES = st.builds(
    JobQuery,
    api=st.just("orchestrator"),
    states=st.frozensets(st.sampled_from((TaskState.PENDING, TaskState.RUNNING))),
    priority=st.none() | st.sampled_from((-5, 0, 5)),
    match_contains=st.none() | st.sampled_from(("", "srv", "o", "%", "SRV")),
    tags=st.lists(st.sampled_from(TAGS), max_size=2).map(tuple),
    submitted_from_ms=st.none() | st.just(1_700_000_000_001),
    submitted_to_ms=st.none() | st.just(1_700_000_000_002),
    order=st.sampled_from(JobOrder),
    descending=st.booleans(),
    offset=st.integers(0, 4),
    limit=st.integers(1, 6),
)


@settings(max_examples=examples(40), deadline=None)
@given(tasks=jobs(), started=st.integers(0, 12), queries=st.lists(QUERIES, min_size=1, max_size=6))
async def test_jobs__any_query_finds_what_a_look_through_all_finds(
    tasks: list[Task], started: int, queries: list[JobQuery]
) -> None:
    store = MemoryStore()
    await store.open(finished=10)
    await store.apply([SaveTask(task, None) for task in tasks])
    for index, task in enumerate(tasks):
        if task.seq == started:
            tasks[index] = replace(task, state=TaskState.RUNNING, revision=2)
            await store.apply([SaveTask(tasks[index], task)])
    for query in queries:
        found, total = await store.jobs(query)
        wanted = looked_through(tasks, query)
        page = wanted[query.offset : query.offset + query.limit]
        assert ([task.id for task in found], total) == ([task.id for task in page], len(wanted))


def looked_through(tasks: list[Task], query: JobQuery) -> Sequence[Task]:
    return sorted(
        (task for task in tasks if is_wanted(task, query)),
        key=lambda task: (rank(task, query.order), task.seq),
        reverse=query.descending,
    )


def is_wanted(task: Task, query: JobQuery) -> bool:
    match = task.work.match if task.work is not None else ""
    return (
        task.api == query.api
        and (not query.states or task.state in query.states)
        and query.priority in (None, task.priority)
        and (query.match_contains or "") in match
        and set(query.tags) <= set(task.command.extra["tags"])
        and (query.submitted_from_ms or 0) <= task.submitted_at_ms
        and task.submitted_at_ms <= (query.submitted_to_ms or task.submitted_at_ms)
    )


def rank(task: Task, order: JobOrder) -> int | str:
    match order:
        case JobOrder.PRIORITY:
            return task.priority
        case JobOrder.STATE:
            return task.state.value
        case JobOrder.ARRIVAL:
            return task.seq


@pytest.mark.parametrize("tag", ["' OR 1=1 --", '"]', "\\"])
async def test_jobs__what_is_asked_for_is_never_a_statement(tmp_path: Path, tag: str) -> None:
    store = SqliteStore(tmp_path)
    await store.open(finished=10)
    assert await store.jobs(JobQuery(api="orchestrator", tags=(tag,), match_contains=tag)) == (
        [],
        0,
    )
    await store.close()
