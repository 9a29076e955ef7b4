"""Any sequence of what the engine does leaves both stores with what a plain model says."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode
from robotq.model.task import OUTCOME_UNKNOWN, Resolution, Task, TaskError, TaskState
from robotq.model.transitions import TRANSITIONS, Action, transition
from robotq.store.port import (
    AppendEvent,
    DropHold,
    DuplicateKey,
    Mutation,
    SaveAnswer,
    SaveHold,
    SaveTask,
    SetFact,
    StaleRevision,
    TaskQuery,
)
from tests.postgres.server import emptied
from tests.slices import examples

from .conftest import shelf_of
from .records import NOON_MS, answer, change, pending, submit

QUEUES = [("robot", "robot_a"), ("robot", "robot_b"), ("task_queue", "print")]
HOLDS = [Hold(robot="robot_a", code=code, since_ms=1) for code in list(HoldCode)[:3]]


class StoreMachine(RuleBasedStateMachine):
    """Tasks live through the transition table; some calls are wrong, some come together."""

    kind: str
    dsn: Callable[[], str]

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="robotq-machine-"))
        self.loop = asyncio.Runner()
        self.shelf = shelf_of(self.kind, self.folder, self.dsn)
        self.loop.run(self.shelf.store.open(finished=0))
        self.tasks: dict[int, Task] = {}
        self.counts: Counter[tuple[str, str, TaskState]] = Counter()
        self.events: list[Event] = []
        self.holds: dict[tuple[str, HoldCode], Hold] = {}
        self.facts: dict[str, Any] = {}
        self.answers: dict[str, int] = {}
        self.last_seq = 0
        self.last_event_id = 0
        self.now_ms = NOON_MS

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.run(self.shelf.store.close())
            self.loop.close()
            shutil.rmtree(self.folder)

    # what may happen

    @rule(place=st.sampled_from(QUEUES), key=st.none() | st.sampled_from("abc"))
    def submit(self, place: tuple[str, str], key: str | None) -> None:
        self._apply(self._submit(self.last_seq + 1, place, key))

    @rule(
        places=st.lists(st.tuples(st.sampled_from(QUEUES), st.none() | st.sampled_from("abc"))),
        wrong=st.integers(0, 5),
    )
    def submit_together(self, places: list[tuple[tuple[str, str], str | None]], wrong: int) -> None:
        calls = [
            self._submit(self.last_seq + number, place, key)
            for number, (place, key) in enumerate(places, 1)
        ]
        if self.tasks:
            calls.insert(wrong, submit(self.tasks[min(self.tasks)]))
        self._apply(*calls)

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        before = data.draw(st.sampled_from(list(self.tasks.values())))
        after = self._any_action(data, before)
        if after is not None:
            self._apply(change(before, after))

    @precondition(lambda self: len(self.tasks) > 1)
    @rule(data=st.data())
    def finish_and_claim(self, data: st.DataObject) -> None:
        """Two changes in one transaction, as between two commands."""
        pair = data.draw(st.permutations(list(self.tasks.values())))[:2]
        changes = [(task, self._any_action(data, task)) for task in pair]
        self._apply([step for before, after in changes if after for step in change(before, after)])

    @precondition(lambda self: self.tasks)
    @rule(data=st.data(), revisions=st.integers(1, 3))
    def write_over_a_change_unseen(self, data: st.DataObject, revisions: int) -> None:
        task = data.draw(st.sampled_from(list(self.tasks.values())))
        unseen = replace(task, revision=task.revision + revisions)
        self._apply([SaveTask(replace(unseen, revision=unseen.revision + 1), unseen)])
        self._apply([SaveTask(replace(task, revision=task.revision + 1 + revisions), task)])
        self._apply([SaveTask(replace(task, state=TaskState.CANCELLED), task)])

    @rule(hold=st.sampled_from(HOLDS), lift=st.booleans())
    def hold(self, hold: Hold, lift: bool) -> None:
        self._apply([DropHold(hold.robot, hold.code) if lift else SaveHold(hold)])

    @rule(name=st.sampled_from(["armed", "mode"]), value=st.none() | st.just({"value": 1}))
    def fact(self, name: str, value: dict[str, Any] | None) -> None:
        self._apply([SetFact(name, value)])

    @rule(limit=st.integers(1, 4), back_ms=st.integers(0, 5000))
    def prune(self, limit: int, back_ms: int) -> None:
        before_ms = self.now_ms - back_ms
        tasks = [
            task
            for task in self.tasks.values()
            if task.ended_at_ms is not None
            and task.ended_at_ms < before_ms
            and not task.outcome_unknown
        ]
        tasks.sort(key=lambda task: task.ended_at_ms or 0)
        events = [event for event in self.events if event.at_ms < before_ms]
        events.sort(key=lambda event: event.at_ms)
        answers = [key for key, at_ms in self.answers.items() if at_ms < before_ms]
        answers.sort(key=lambda key: self.answers[key])
        for task in tasks[:limit]:
            del self.tasks[task.seq]
        for event in events[:limit]:
            self.events.remove(event)
        for key in answers[:limit]:
            del self.answers[key]
        removed = self.loop.run(
            self.shelf.store.prune(
                tasks_before_ms=before_ms,
                events_before_ms=before_ms,
                answers_before_ms=before_ms,
                limit=limit,
            )
        )
        assert removed == sum(min(limit, len(old)) for old in (tasks, events, answers))

    @rule()
    def restart(self) -> None:
        restored = self.loop.run(self.shelf.reopen(finished=3))
        unfinished = [task for task in self.tasks.values() if not task.state.final]
        ended = [task for task in self.tasks.values() if task.state.final]
        ended.sort(key=lambda task: (task.ended_at_ms or 0, task.seq))
        assert list(restored.unfinished) == sorted(unfinished, key=lambda task: task.seq)
        assert list(restored.finished) == ended[-3:]
        assert restored.counts == {key: tasks for key, tasks in self.counts.items() if tasks}
        assert {(hold.robot, hold.code): hold for hold in restored.holds} == self.holds
        assert restored.facts == self.facts
        assert restored.last_seq == self.last_seq
        assert restored.last_event_id == self.last_event_id

    # what must hold

    @invariant()
    def everything_can_be_read(self) -> None:
        if not hasattr(self, "loop"):
            return
        store = self.shelf.store
        newest_first = sorted(self.tasks.values(), key=lambda task: -task.seq)
        assert self.loop.run(store.list(TaskQuery(limit=1000))) == newest_first
        assert self.loop.run(store.events_since(0, limit=10_000)) == self.events
        for key in "abc":
            found = self.loop.run(store.answer("robot/anonymous", key))
            assert (found.at_ms if found is not None else None) == self.answers.get(key)

    # how

    def _submit(self, seq: int, place: tuple[str, str], key: str | None) -> list[Mutation]:
        api, queue = place
        self.now_ms += 100
        task = pending(seq, api=api, queue=queue, submitted_at_ms=self.now_ms)
        keyed: list[Mutation] = [SaveAnswer(answer(key, self.now_ms))] if key else []
        return [*submit(task), *keyed]

    def _any_action(self, data: st.DataObject, task: Task) -> Task | None:
        actions = [
            action
            for state, action in TRANSITIONS
            if state is task.state
            and (action is not Action.RESOLVE or task.outcome_unknown)
            # of tasks for workers, and of those that wait for approval
            and action not in (Action.RECLAIM, Action.RETRY, Action.APPROVE)
            and (action is not Action.RETRIED or not task.outcome_unknown)
        ]
        if not actions:
            return None
        action = data.draw(st.sampled_from(actions))
        self.now_ms += 100
        changes: dict[str, Any] = {}
        if TRANSITIONS[task.state, action].target.final and action not in (
            Action.RESOLVE,
            Action.RETRIED,
        ):
            changes["ended_at_ms"] = self.now_ms
        if action is Action.FAIL:
            code = data.draw(st.sampled_from([OUTCOME_UNKNOWN, "device_error"]))
            changes["error"] = TaskError(code=code)
        if action is Action.RESOLVE:
            changes["resolution"] = Resolution(outcome="failed", actor="li", at_ms=self.now_ms)
        return transition(task, action, fence=task.fence, **changes)

    def _apply(self, *calls: Sequence[Mutation]) -> None:
        async def together() -> list[Any]:
            return await asyncio.gather(
                *(self.shelf.store.apply(call) for call in calls), return_exceptions=True
            )

        expected = [self._model(call) for call in calls]
        outcomes = self.loop.run(together())
        assert [
            type(outcome) if isinstance(outcome, Exception) else list(outcome)
            for outcome in outcomes
        ] == expected

    def _model(self, call: Sequence[Mutation]) -> type[Exception] | list[Event]:
        """What the call must return or raise; the model is as it must be afterwards."""
        tasks, answers = dict(self.tasks), dict(self.answers)
        counts = Counter(self.counts)
        events: list[Event] = []
        for mutation in call:
            match mutation:
                case SaveTask(task, was):
                    if not _may_follow(tasks, task, was):
                        return StaleRevision
                    tasks[task.seq] = task
                    counts[task.api, task.queue, task.state] += 1
                    if was is not None:
                        counts[was.api, was.queue, was.state] -= 1
                case SaveAnswer(kept):
                    if kept.key in answers:
                        return DuplicateKey
                    answers[kept.key] = kept.at_ms
                case AppendEvent(event):
                    events.append(replace(event, id=self.last_event_id + len(events) + 1))
                case _:
                    self._model_alone(mutation)
        self.tasks, self.answers, self.counts = tasks, answers, counts
        self.last_seq = max([self.last_seq, *tasks])
        self.events += events
        self.last_event_id += len(events)
        return events

    def _model_alone(self, mutation: Mutation) -> None:
        """The same for what the rules put into calls of their own."""
        match mutation:
            case SaveHold(hold):
                self.holds[hold.robot, hold.code] = hold
            case DropHold(robot, code):
                self.holds.pop((robot, code), None)
            case SetFact(name, None):
                self.facts.pop(name, None)
            case SetFact(name, value):
                self.facts[name] = value
            case _:
                raise AssertionError(f"no rule makes a {mutation}")


def _may_follow(tasks: dict[int, Task], task: Task, was: Task | None) -> bool:
    """Whether this is the next revision of a task, and no robot runs two then."""
    known = tasks.get(task.seq)
    found, over = (_seen(one) for one in (known, was))
    running = [
        other.queue
        for other in (tasks | {task.seq: task}).values()
        if other.api == "robot" and other.state is TaskState.RUNNING
    ]
    follows = found == over and task.revision == over[0] + 1
    return follows and len(running) == len(set(running))


def _seen(task: Task | None) -> tuple[int, TaskState | None]:
    return (0, None) if task is None else (task.revision, task.state)


def _dsn(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Gives the same database for each example, emptied."""

    def dsn() -> str:
        found: str = request.getfixturevalue("postgres")
        emptied(found)
        return found

    return dsn


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["sqlite", "memory", pytest.param("postgres", marks=pytest.mark.long)]
)
def test_any_history__leaves_what_the_model_says(kind: str, request: pytest.FixtureRequest) -> None:
    machine = type("Machine", (StoreMachine,), {"kind": kind, "dsn": staticmethod(_dsn(request))})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples(10), stateful_step_count=20)
    )


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "memory", "postgres"])
def test_any_long_history__leaves_what_the_model_says(
    kind: str, request: pytest.FixtureRequest
) -> None:
    machine = type("Machine", (StoreMachine,), {"kind": kind, "dsn": staticmethod(_dsn(request))})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples(60), stateful_step_count=40)
    )
