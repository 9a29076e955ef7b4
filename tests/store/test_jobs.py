"""Lists of the tasks for workers: both stores find the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from robotq.model.task import Command, Task, TaskState, Work
from robotq.store.job_query import JobOrder, JobQuery
from robotq.store.memory import MemoryStore
from robotq.store.port import SaveTask
from robotq.store.sqlite import SqliteStore

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


@settings(max_examples=40, deadline=None)
@given(tasks=jobs(), started=st.integers(0, 12), queries=st.lists(QUERIES, min_size=1, max_size=6))
async def test_jobs__any_query_finds_the_same_in_both_stores(
    tasks: list[Task], started: int, queries: list[JobQuery]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stores = (MemoryStore(), SqliteStore(Path(folder)))
        for store in stores:
            await store.open(finished=10)
            await store.apply([SaveTask(task, None) for task in tasks])
            for task in tasks:
                if task.seq == started:
                    running = replace(task, state=TaskState.RUNNING, revision=2)
                    await store.apply([SaveTask(running, TaskState.PENDING)])
        try:
            for query in queries:
                in_memory, on_disk = [await store.jobs(query) for store in stores]
                assert [task.id for task in on_disk[0]] == [task.id for task in in_memory[0]]
                assert on_disk[1] == in_memory[1]
        finally:
            for store in stores:
                await store.close()


@pytest.mark.parametrize("tag", ["' OR 1=1 --", '"]', "\\"])
async def test_jobs__what_is_asked_for_is_never_a_statement(tmp_path: Path, tag: str) -> None:
    store = SqliteStore(tmp_path)
    await store.open(finished=10)
    assert await store.jobs(JobQuery(api="orchestrator", tags=(tag,), match_contains=tag)) == (
        [],
        0,
    )
    await store.close()
