"""What every store promises about writing."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode
from robotq.model.task import Task, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import (
    AppendEvent,
    DropAnswer,
    DuplicateKey,
    SaveAnswer,
    SaveHold,
    SaveTask,
    SetFact,
    StaleRevision,
    Store,
    StoreUnavailable,
    TaskQuery,
)

from .conftest import Shelf
from .records import (
    NOON_MS,
    answer,
    change,
    claimed,
    completed,
    event,
    life,
    pending,
    submit,
)


async def test_apply__gives_events_their_numbers(store: Store) -> None:
    first = await store.apply(submit(pending(1)))
    second = await store.apply([*submit(pending(2)), AppendEvent(event(pending(2)))])
    assert [row.id for row in (*first, *second)] == [1, 2, 3]
    assert replace(first[0], id=0) == event(pending(1))


async def test_apply__takes_effect_in_the_order_of_the_calls(store: Store) -> None:
    task = pending(1)
    steps = [task, claimed(task)]
    for progress in range(50):
        steps.append(transition(steps[-1], Action.PROGRESS, fence=1, progress=progress / 50))
    calls = [submit(task), *(change(a, b) for a, b in itertools.pairwise(steps))]
    appended = await asyncio.gather(*(store.apply(call) for call in calls))
    assert [rows[0].id for rows in appended] == list(range(1, 53))
    assert await store.get(task.id) == steps[-1]


async def test_apply__tells_of_each_commit_before_its_caller_goes_on(store: Store) -> None:
    told: list[int] = []

    async def call(seq: int) -> None:
        await store.apply(submit(pending(seq)), lambda events: told.append(events[0].id))
        assert seq in told

    calls = [asyncio.ensure_future(call(seq)) for seq in range(1, 11)]
    await asyncio.sleep(0)
    # on disk all the same, so memory has to hear of it
    calls[4].cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert told == list(range(1, 11))


async def test_apply__does_not_tell_of_what_was_refused(store: Store) -> None:
    await store.apply(submit(pending(1)))
    told: list[Sequence[Event]] = []
    with pytest.raises(StaleRevision):
        await store.apply(submit(pending(1)), told.append)
    assert told == []


async def test_apply__writes_all_or_nothing(store: Store) -> None:
    await store.apply(submit(pending(1)))
    stale = replace(claimed(pending(1)), revision=7)
    with pytest.raises(StaleRevision):
        await store.apply(
            [
                *submit(pending(2)),
                SaveAnswer(answer("one")),
                SaveTask(stale, pending(1)),
            ]
        )
    assert await store.get(pending(2).id) is None
    assert await store.answer("robot/anonymous", "one") is None
    # not even a number is used up
    assert [row.id for row in await store.apply(submit(pending(2)))] == [2]


async def test_apply__nothing_of_a_refused_call_is_there_after_a_restart(shelf: Shelf) -> None:
    await shelf.store.apply(submit(pending(1)))
    with pytest.raises(StaleRevision):
        await shelf.store.apply(
            [
                *submit(pending(2)),
                SaveHold(Hold(robot="robot_a", code=HoldCode.PAUSED, since_ms=1)),
                SetFact("armed", {"value": True}),
                *submit(pending(1)),
            ]
        )
    restored = await shelf.reopen()
    assert restored.counts == {("robot", "robot_a", TaskState.PENDING): 1}
    assert (list(restored.holds), restored.facts) == ([], {})
    assert (restored.last_seq, restored.last_event_id) == (1, 1)


async def test_apply__a_refused_call_does_not_hurt_its_neighbours(shelf: Shelf) -> None:
    taken = pending(10, queue="robot_b")
    await shelf.store.apply([*submit(taken), SaveAnswer(answer("taken"))])
    good = [submit(pending(seq)) for seq in range(11, 31)]
    bad = [
        change(taken, replace(claimed(taken), revision=5)),
        submit(taken),
        [*submit(pending(99)), SaveAnswer(answer("taken"))],
    ]
    calls = [*good[:7], bad[0], *good[7:12], bad[1], bad[2], *good[12:]]
    outcomes = await asyncio.gather(
        *(shelf.store.apply(call) for call in calls), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert [type(error) for error in refused] == [StaleRevision, StaleRevision, DuplicateKey]
    restored = await shelf.reopen()
    assert [task.seq for task in restored.unfinished] == [10, *range(11, 31)]
    assert restored.counts == {
        ("robot", "robot_a", TaskState.PENDING): 20,
        ("robot", "robot_b", TaskState.PENDING): 1,
    }
    journal = await shelf.store.events_since(0, limit=1000)
    assert [row.id for row in journal] == list(range(1, 22))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda task: SaveTask(task, None),
        lambda task: SaveTask(claimed(task), None),
        lambda task: SaveTask(replace(claimed(task), revision=3), task),
        lambda task: SaveTask(claimed(task), replace(task, state=TaskState.RUNNING)),
        lambda task: SaveTask(replace(claimed(task), id="task_x"), task),
        lambda task: SaveTask(replace(claimed(task), seq=77), task),
        lambda task: SaveTask(replace(task, id="task_x"), None),
        lambda task: SaveTask(replace(task, seq=77), None),
        lambda task: SaveTask(pending(2), pending(2)),
    ],
    ids=[
        "submitted twice",
        "a change as if new",
        "a revision too far",
        "another state before",
        "a change of nothing",
        "another number",
        "a number that is taken",
        "an id that is taken",
        "new, with a state before",
    ],
)
async def test_save_task__is_refused_over_what_it_does_not_know(
    store: Store, wrong: Callable[[Task], SaveTask]
) -> None:
    await store.apply(submit(pending(1)))
    with pytest.raises(StaleRevision):
        await store.apply([wrong(pending(1))])
    assert await store.get(pending(1).id) == pending(1)


async def test_claim__a_robot_never_has_two_running_tasks(store: Store) -> None:
    for seq in (1, 2):
        await store.apply(submit(pending(seq)))
    await store.apply(change(pending(1), claimed(pending(1))))
    with pytest.raises(StaleRevision):
        await store.apply(change(pending(2), claimed(pending(2))))
    done = completed(claimed(pending(1)))
    # finish and claim in one transaction
    await store.apply(
        [*change(claimed(pending(1)), done), *change(pending(2), claimed(pending(2)))]
    )
    assert await store.get(pending(2).id) == claimed(pending(2))


async def test_claim__workers_of_one_kind_run_many_tasks(store: Store) -> None:
    for seq in (1, 2, 3):
        task = pending(seq, api="task_queue", queue="print")
        await store.apply(life(task, claimed(task)))
    running = await store.list(TaskQuery(states=frozenset({TaskState.RUNNING})))
    assert [task.seq for task in running] == [3, 2, 1]


async def test_answer__a_key_is_new_once_per_client(store: Store) -> None:
    await store.apply([SaveAnswer(answer("k"))])
    with pytest.raises(DuplicateKey):
        await store.apply([SaveAnswer(answer("k", at_ms=NOON_MS + 5))])
    other = answer("k", scope="robot/wang")
    await store.apply([SaveAnswer(other)])
    assert await store.answer("robot/anonymous", "k") == answer("k")
    assert await store.answer("robot/wang", "k") == other
    assert await store.answer("robot/li", "k") is None


async def test_answer__that_was_taken_back_leaves_its_key_and_no_later_answer_goes(
    store: Store,
) -> None:
    early, later = answer("k"), answer("k", at_ms=NOON_MS + 5)
    await store.apply([SaveAnswer(early), SaveAnswer(answer("other"))])
    await store.apply([DropAnswer(early)])
    assert await store.answer("robot/anonymous", "k") is None
    await store.apply([SaveAnswer(later)])
    # whoever looked at the early one a moment ago drops nothing else
    await store.apply([DropAnswer(early)])
    assert await store.answer("robot/anonymous", "k") == later
    assert await store.answer("robot/anonymous", "other") is not None


async def test_answer__of_two_at_once_the_first_wins(store: Store) -> None:
    calls = [[*submit(pending(seq)), SaveAnswer(answer("k"))] for seq in (1, 2)]
    first, second = await asyncio.gather(
        *(store.apply(call) for call in calls), return_exceptions=True
    )
    assert not isinstance(first, BaseException)
    assert isinstance(second, DuplicateKey)
    assert await store.get(pending(2).id) is None


async def test_answer__a_key_that_comes_again_keeps_no_other_from_the_disk(store: Store) -> None:
    await store.apply([*submit(pending(1)), SaveAnswer(answer("k1"))])
    keys = ("k2", "k1", "k3", "k1", "k4")
    calls = [
        [*submit(pending(seq)), SaveAnswer(answer(key))] for seq, key in enumerate(keys, start=2)
    ]
    outcomes = await asyncio.gather(*(store.apply(call) for call in calls), return_exceptions=True)
    refused = [isinstance(outcome, DuplicateKey) for outcome in outcomes]
    assert refused == [False, True, False, True, False]
    journal = await store.events_since(0, limit=10)
    assert [event.id for event in journal] == [1, 2, 3, 4]
    there = [await store.get(pending(seq).id) is not None for seq in range(1, 7)]
    assert there == [True, True, False, True, False, True]


async def test_close__leaves_nothing_to_write_to(store: Store) -> None:
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.apply(submit(pending(1)))
    with pytest.raises(StoreUnavailable):
        await store.probe()


async def test_statistics__count_the_calls(store: Store) -> None:
    await asyncio.gather(*(store.apply(submit(pending(seq))) for seq in range(1, 11)))
    with pytest.raises(StaleRevision):
        await store.apply(submit(pending(1)))
    statistics = store.statistics()
    assert statistics.applied == 10
    assert statistics.waiting == 0
