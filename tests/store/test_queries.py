"""What every store promises about finding things, and about removing them."""

from __future__ import annotations

from msgspec.structs import replace

from robotq.model.task import OUTCOME_UNKNOWN, Command, Resolution, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import (
    Answer,
    SaveAnswer,
    Store,
    TaskQuery,
)

from .conftest import Shelf
from .records import (
    NOON_MS,
    answer,
    change,
    claimed,
    completed,
    failed,
    life,
    pending,
    submit,
)

FOREVER = 2**62


async def _history(store: Store) -> None:
    """Nine ended tasks: three completed, three failed, three cancelled."""
    for seq in range(1, 10):
        batch = f"batch_{seq % 2}"
        task = pending(seq, batch_id=batch, queue="robot_b" if seq > 6 else "robot_a")
        if seq % 3 == 0:
            await store.apply(life(task, claimed(task), completed(claimed(task))))
        elif seq % 3 == 1:
            await store.apply(life(task, claimed(task), failed(claimed(task))))
        else:
            cancelled = transition(task, Action.CANCEL, ended_at_ms=task.submitted_at_ms)
            await store.apply(life(task, cancelled))
    other = pending(10, api="dispatcher", command=Command(cmd_type="PRINT"))
    await store.apply(submit(other))


async def _series(store: Store) -> str:
    """Three runs of a repeating command, each made with the end of the one before, and another
    command between; the id of the first."""
    first = pending(11)
    await store.apply(submit(first))
    before = first
    for seq in (12, 14):
        following = pending(seq, repeat_of=first.id)
        running = claimed(before)
        await store.apply(change(before, running))
        await store.apply([*change(running, completed(running)), *submit(following)])
        before = following
    await store.apply(submit(pending(13)))
    return first.id


async def test_list__finds_the_runs_of_a_repeating_command(store: Store) -> None:
    await _history(store)
    first = await _series(store)
    found = await store.list(TaskQuery(repeat_of=first))
    assert [task.seq for task in found] == [14, 12, 11]
    ended = TaskQuery(repeat_of=first, states=frozenset({TaskState.COMPLETED}))
    assert [task.seq for task in await store.list(ended)] == [12, 11]
    page = TaskQuery(repeat_of=first, before_seq=14, limit=1)
    assert [task.seq for task in await store.list(page)] == [12]
    assert await store.list(TaskQuery(repeat_of="task_of_nobody")) == []


_FOUND = [
    (TaskQuery(), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
    (TaskQuery(limit=3), [10, 9, 8]),
    (TaskQuery(limit=3, before_seq=8), [7, 6, 5]),
    (TaskQuery(api="dispatcher"), [10]),
    (TaskQuery(queue="robot_b"), [9, 8, 7]),
    (TaskQuery(states=frozenset({TaskState.COMPLETED})), [9, 6, 3]),
    (TaskQuery(states=frozenset({TaskState.FAILED, TaskState.CANCELLED})), [8, 7, 5, 4, 2, 1]),
    (TaskQuery(states=frozenset({TaskState.PENDING, TaskState.COMPLETED})), [10, 9, 6, 3]),
    (TaskQuery(cmd_type="PRINT"), [10]),
    (TaskQuery(cmd_id="CMD_4"), [4]),
    (TaskQuery(cmd_id="CMD_4", states=frozenset({TaskState.COMPLETED})), []),
    (TaskQuery(batch_id="batch_1", queue="robot_a"), [5, 3, 1]),
    (TaskQuery(error_code="device_error"), [7, 4, 1]),
    (TaskQuery(submitted_from_ms=NOON_MS + 3000, submitted_to_ms=NOON_MS + 5000), [5, 4, 3]),
]


async def test_list__finds_newest_first(store: Store) -> None:
    await _history(store)
    for query, expected in _FOUND:
        assert [task.seq for task in await store.list(query)] == expected, query


async def test_events_since__pages_through_the_journal(store: Store) -> None:
    await _history(store)
    everything_ = await store.events_since(0, limit=1000)
    assert [row.id for row in everything_] == list(range(1, len(everything_) + 1))
    page = await store.events_since(4, limit=3)
    assert [row.id for row in page] == [5, 6, 7]
    assert await store.events_since(len(everything_), limit=3) == []


async def test_events_since__of_one_interface(store: Store) -> None:
    for seq, api in enumerate(("robot", "task_queue", "robot", "task_queue"), start=1):
        await store.apply(submit(pending(seq, api=api)))
    found = await store.events_since(0, limit=10, api="task_queue")
    assert [event.id for event in found] == [2, 4]
    assert await store.events_since(2, limit=10, api="task_queue") == found[1:]


async def test_events_since__tells_the_story_of_one_task(store: Store) -> None:
    await _history(store)
    # the same second, so that only the end of the id tells them apart
    twin = pending(200, id=pending(4).id[:-6] + "zzzzzz")
    await store.apply(submit(twin))
    story = await store.events_since(0, limit=1000, task_id=pending(4).id)
    assert [row.after for row in story] == ["pending", "running", "failed"]
    rest = await store.events_since(story[0].id, limit=1, task_id=pending(4).id)
    assert list(rest) == [story[1]]
    assert await store.events_since(0, limit=10, task_id="short") == []


async def test_prune__removes_what_is_older(shelf: Shelf) -> None:
    await _history(shelf.store)
    await shelf.store.apply(
        [SaveAnswer(answer("old", at_ms=NOON_MS)), SaveAnswer(answer("new", at_ms=NOON_MS + 10))]
    )
    before = await shelf.reopen()
    removed = await shelf.store.prune(
        tasks_before_ms=NOON_MS + 5500,
        events_before_ms=NOON_MS + 3000,
        answers_before_ms=NOON_MS + 10,
        limit=1000,
    )
    # tasks 1 to 5; all events of 1 and 2; one answer
    assert removed == 5 + 5 + 1
    assert [task.seq for task in await shelf.store.list(TaskQuery())] == [10, 9, 8, 7, 6]
    events = await shelf.store.events_since(0, limit=1000)
    assert events[0].id == 6
    assert await shelf.store.answer("robot/anonymous", "old") is None
    assert await shelf.store.answer("robot/anonymous", "new") is not None
    after = await shelf.reopen()
    assert after.counts == before.counts
    assert (after.last_seq, after.last_event_id) == (before.last_seq, before.last_event_id)


async def test_prune__a_key_counts_until_a_day_after_its_tasks_have_ended(store: Store) -> None:
    """A command that waits over the weekend, and whose client asks again on Monday."""
    waiting = pending(1)
    ended = completed(claimed(pending(2)))
    ended_ms = ended.ended_at_ms
    assert ended_ms is not None
    await store.apply([*submit(waiting), *life(pending(2), claimed(pending(2)), ended)])
    kept = replace_body(answer("batch"), waiting.id, ended.id)
    gone = replace_body(answer("done"), ended.id)
    await store.apply([SaveAnswer(kept), SaveAnswer(gone)])

    async def prune(before_ms: int) -> int:
        return await store.prune(
            tasks_before_ms=0, events_before_ms=0, answers_before_ms=before_ms, limit=1000
        )

    assert await prune(ended_ms) == 0
    assert await prune(ended_ms + 1) == 1
    assert await store.answer(gone.scope, "done") is None
    assert await prune(FOREVER) == 0
    assert await store.answer(kept.scope, "batch") is not None


def replace_body(kept: Answer, *task_ids: str) -> Answer:
    return replace(kept, body={**kept.body, "task_ids": list(task_ids)})


async def test_prune__takes_the_oldest_first_and_no_more_than_it_may(store: Store) -> None:
    await _history(store)
    calls = []
    while True:
        calls.append(
            await store.prune(
                tasks_before_ms=FOREVER, events_before_ms=0, answers_before_ms=0, limit=4
            )
        )
        if len(calls) == 1:
            left = await store.list(TaskQuery())
            assert [task.seq for task in left] == [10, 9, 8, 7, 6, 5]
        if not calls[-1]:
            break
    assert calls == [4, 4, 1, 0]
    assert [task.seq for task in await store.list(TaskQuery())] == [10]


async def test_prune__numbers_are_never_given_again(shelf: Shelf) -> None:
    await shelf.store.apply(life(pending(1), claimed(pending(1)), completed(claimed(pending(1)))))
    await shelf.store.prune(
        tasks_before_ms=FOREVER, events_before_ms=FOREVER, answers_before_ms=0, limit=10
    )
    restored = await shelf.reopen()
    assert (restored.last_seq, restored.last_event_id) == (1, 3)
    assert [row.id for row in await shelf.store.apply(submit(pending(2)))] == [4]


async def test_prune__keeps_unknown_outcomes_until_somebody_resolves_them(store: Store) -> None:
    unknown = failed(claimed(pending(1)), OUTCOME_UNKNOWN)
    await store.apply(life(pending(1), claimed(pending(1)), unknown))
    forever = {"events_before_ms": 0, "answers_before_ms": 0, "limit": 10}
    assert await store.prune(tasks_before_ms=FOREVER, **forever) == 0
    resolved = transition(
        unknown,
        Action.RESOLVE,
        resolution=Resolution(outcome="failed", actor="wang", at_ms=NOON_MS),
    )
    await store.apply(change(unknown, resolved))
    assert await store.prune(tasks_before_ms=FOREVER, **forever) == 1
