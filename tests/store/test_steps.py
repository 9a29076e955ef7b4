"""A report of a command writes its step, however many the command has reported before."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from robotq.model.task import Step, StepState, Task, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.memory import MemoryStore
from robotq.store.port import SaveTask, Store, TaskQuery
from robotq.store.sqlite.changes import WRITE
from robotq.store.sqlite.store import SqliteStore

from .conftest import Shelf
from .records import NOON_MS, change, claimed, completed, life, pending, scanned, submit

MOST = 2_000
"""As many as are kept of a command."""


def reported(number: int, state: StepState = StepState.COMPLETED) -> Step:
    return Step(
        name="SCANNING",
        state=state,
        started_at_ms=NOON_MS + number,
        duration_s=None if state is StepState.RUNNING else 1.5,
        detail={"bottle_id": f"bottle_{number:04}"},
    )


def progressed(task: Task, steps: Sequence[Step]) -> Task:
    return transition(task, Action.PROGRESS, fence=task.fence, steps=tuple(steps))


async def run_with(store: Store, seq: int, steps: int) -> Task:
    """A running scan that has reported so many, on disk."""
    task = pending(seq, queue=f"robot_{seq}")
    running = progressed(claimed(task), [reported(number) for number in range(steps)])
    await store.apply(life(task, claimed(task), running))
    return running


async def _written(store: SqliteStore, task: Task, reports: int) -> tuple[Task, int]:
    """The task after so many more reports, each a commit, and the bytes that these wrote."""
    log = store.folder / "robotq.db-wal"
    await store._writing().run(lambda found: found.execute("PRAGMA wal_autocheckpoint = 0"))
    await store._writing().run(lambda found: found.execute("PRAGMA wal_checkpoint(TRUNCATE)"))
    for _ in range(reports):
        after = progressed(task, [*task.steps, reported(len(task.steps))])
        await store.apply(change(task, after))
        task = after
    return task, log.stat().st_size


async def test_report__writes_as_much_after_2000_steps_as_after_10(sqlite: SqliteStore) -> None:
    """It wrote all steps of its task once more: a scan of 2,000 steps came to 435 MB."""
    first, of_first = await _written(sqlite, await run_with(sqlite, 1, 10), 50)
    last, of_last = await _written(sqlite, await run_with(sqlite, 2, MOST - 50), 50)
    assert of_last < 1.25 * of_first
    # pages of task, step and journal with their indexes; a page is 4 kB
    assert of_last / 50 < 40_000
    for task in (first, last):
        assert await sqlite.get(task.id) == task


async def test_scan__is_read_as_it_was_reported(shelf: Shelf) -> None:
    states = scanned(1, 40)
    await shelf.store.apply(submit(states[0]))
    for before, after in itertools.pairwise(states):
        await shelf.store.apply(change(before, after))
        assert await shelf.store.get(after.id) == after
    (listed,) = await shelf.store.list(TaskQuery())
    restored = await shelf.reopen()
    assert [listed] == list(restored.finished) == [states[-1]]
    assert len(listed.steps) == 40


async def test_outer_step__ends_last_and_keeps_its_place(shelf: Shelf) -> None:
    inner = [reported(number) for number in range(1, 4)]
    outer = reported(0, StepState.RUNNING)
    running = await run_with(shelf.store, 1, 0)
    begun = progressed(running, [outer, *inner])
    ended = progressed(begun, [replace(outer, state=StepState.FAILED, duration_s=9.25), *inner])
    await shelf.store.apply([*change(running, begun), *change(begun, ended)])
    restored = await shelf.reopen()
    assert list(restored.unfinished) == [ended]


async def test_claim__of_a_task_that_goes_back_forgets_its_steps(shelf: Shelf) -> None:
    running = await run_with(shelf.store, 1, 5)
    requeued = transition(running, Action.REQUEUE, fence=running.fence)
    again = transition(requeued, Action.CLAIM, started_at_ms=NOON_MS)
    anew = progressed(again, [reported(7)])
    await shelf.store.apply(life(pending(2, queue="robot_2")))
    await shelf.store.apply(change(running, requeued))
    assert (await shelf.reopen()).unfinished[0].steps == running.steps
    # all in one commit: what is written and what is removed come in their order
    await shelf.store.apply([*change(requeued, again), *change(again, anew)])
    assert (await shelf.reopen()).unfinished[0] == anew


async def test_report__of_a_claim_that_is_over_writes_no_step(shelf: Shelf) -> None:
    running = await run_with(shelf.store, 1, 2)
    ended = completed(running)
    await shelf.store.apply(change(running, ended))
    late = progressed(running, [*running.steps, reported(2)])
    with pytest.raises(Exception, match=running.id):
        await shelf.store.apply([SaveTask(late, running)])
    assert await shelf.store.get(running.id) == ended


async def test_retention__takes_the_steps_with_their_task(sqlite: SqliteStore) -> None:
    for seq in (1, 2):
        running = await run_with(sqlite, seq, 30)
        await sqlite.apply(change(running, completed(running, ended_at_ms=NOON_MS + seq)))
    await sqlite.prune(
        tasks_before_ms=NOON_MS + 2, events_before_ms=0, answers_before_ms=0, limit=10
    )
    assert await _numbers(sqlite, "SELECT DISTINCT task FROM steps") == [2]


async def test_retention__of_long_scans_lets_a_submit_in_between(sqlite: SqliteStore) -> None:
    """200 of them in one transaction were 400,000 rows."""
    for seq in range(1, 16):
        running = await run_with(sqlite, seq, 1_000)
        await sqlite.apply(change(running, completed(running, ended_at_ms=NOON_MS)))
    removed: list[int] = []
    while not removed or removed[-1]:
        removed.append(await sqlite._change(WRITE["prune_tasks"], (NOON_MS + 1, 200)))
    assert removed == [10, 5, 0]
    assert await _numbers(sqlite, "SELECT count(*) FROM steps") == [0]


async def test_list__reads_a_task_and_its_steps_of_one_moment() -> None:
    """One statement: between two another connection could write."""
    store = MemoryStore()
    await store.open(finished=0)
    running = await run_with(store, 1, 3)
    statements: list[str] = []
    store._opened().set_trace_callback(statements.append)
    found = await store.list(TaskQuery(states=frozenset({TaskState.RUNNING})))
    assert list(found) == [running]
    assert len(statements) == 1


async def _numbers(store: SqliteStore, statement: str) -> list[int]:
    return await store.read(lambda found: [number for (number,) in found.execute(statement)])
