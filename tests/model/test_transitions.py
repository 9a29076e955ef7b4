"""The one table of what may happen to a task: final means final, and an old claim says nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from robotq.model.errors import RobotqError
from robotq.model.task import (
    FINAL_STATES,
    OUTCOME_UNKNOWN,
    Command,
    Question,
    Resolution,
    Step,
    StepState,
    Task,
    TaskError,
    TaskState,
)
from robotq.model.transitions import TRANSITIONS, Action, transition
from tests.slices import examples

UNKNOWN = TaskError(code=OUTCOME_UNKNOWN)
FAILED = TaskError(code="device_error")


def new_task() -> Task:
    return Task(
        id="task_1",
        seq=1,
        api="robot",
        queue="robot_a",
        command=Command(cmd_type="WORK"),
        actor="ann",
        submitted_at_ms=1,
        rank=1.0,
    )


def resolution() -> Resolution:
    return Resolution(outcome="failed", actor="ann", at_ms=2)


class TaskLife(RuleBasedStateMachine):
    """Everybody tries everything with a task, with the current claim and with old ones."""

    def __init__(self) -> None:
        super().__init__()
        self.task = new_task()
        self.claims = 0
        self.given_back = 0
        self.changes = 0
        self.first_end: Task | None = None

    @initialize(agent=st.booleans())
    def somebody_submits(self, agent: bool) -> None:
        self.task = replace(self.task, awaits_approval=agent)

    @rule(action=st.sampled_from(Action), fence=st.integers(-1, 1), unknown=st.booleans())
    def somebody_tries(self, action: Action, fence: int, unknown: bool) -> None:
        before = self.task
        changes: dict[str, Any] = {}
        if action is Action.FAIL:
            changes["error"] = UNKNOWN if unknown else FAILED
        elif action is Action.RESOLVE:
            changes["resolution"] = resolution()
        rule_of_table = TRANSITIONS.get((before.state, action))
        stale = rule_of_table is not None and rule_of_table.fenced and fence != 0
        impossible = (
            rule_of_table is None
            # those of tasks for workers
            or action in (Action.RETRY, Action.RECLAIM)
            or (action is Action.RESOLVE and not before.outcome_unknown)
            or (action is Action.RETRIED and before.outcome_unknown)
            or (action is Action.APPROVE and not before.awaits_approval)
            or (action is Action.CLAIM and before.awaits_approval)
        )
        try:
            after = transition(before, action, fence=before.fence + fence, **changes)
        except RobotqError as error:
            assert error.code.name == ("wrong_state" if impossible else "stale_claim")
            assert impossible or stale
            return
        assert not impossible
        assert not stale
        assert rule_of_table is not None
        assert after.state is rule_of_table.target
        assert self.task == before, "a record never changes"
        self.task = after
        self.changes += 1
        self.claims += action is Action.CLAIM
        self.given_back += action is Action.RELEASE
        if after.state.final and self.first_end is None:
            self.first_end = after

    @invariant()
    def numbers_tell_what_happened(self) -> None:
        assert self.task.revision == 1 + self.changes
        assert self.task.fence == self.claims
        assert self.task.attempt == self.claims - self.given_back

    @invariant()
    def an_end_is_final(self) -> None:
        if self.first_end is not None:
            same = replace(
                self.task, revision=self.first_end.revision, resolution=self.first_end.resolution
            )
            assert same == self.first_end

    @invariant()
    def only_an_unknown_outcome_is_resolved(self) -> None:
        if self.task.resolution is not None:
            assert self.task.error == UNKNOWN
            assert not self.task.outcome_unknown


TestTaskLife = TaskLife.TestCase
TestTaskLife.settings = settings(max_examples=examples(60), stateful_step_count=25)


def test_table__leaves_no_end_state_and_claims_only_what_waits() -> None:
    beside = {Action.RESOLVE, Action.RETRY, Action.RETRIED}
    assert {action for state, action in TRANSITIONS if state.final} == beside
    for (state, action), rule_of_table in TRANSITIONS.items():
        assert not state.final or rule_of_table.target is state or action is Action.RETRY
        fenced = state is TaskState.RUNNING or action is Action.RECLAIM
        assert rule_of_table.fenced == fenced, action
    assert {action for _, action in TRANSITIONS} == set(Action)
    assert {state for state in TaskState if state.final} == FINAL_STATES


def test_claim__starts_afresh() -> None:
    claimed = transition(new_task(), Action.CLAIM, started_at_ms=5)
    step = Step(name="POUR", state=StepState.RUNNING, started_at_ms=6)
    question = Question(prompt="?", asked_at_ms=6, deadline_ms=9)
    told = transition(
        claimed,
        Action.PROGRESS,
        fence=1,
        steps=(step,),
        progress=0.5,
        partial={"x": 1},
        waiting_for=question,
    )
    requeued = transition(told, Action.REQUEUE, fence=1)
    assert (requeued.started_at_ms, requeued.waiting_for, requeued.attempt) == (None, None, 1)
    again = transition(requeued, Action.CLAIM, started_at_ms=8)
    assert (again.steps, again.progress, again.partial) == ((), None, None)
    assert (again.fence, again.attempt) == (2, 2)


def test_release__counts_as_no_attempt_and_makes_the_claim_worthless() -> None:
    claimed = transition(new_task(), Action.CLAIM, started_at_ms=5)
    released = transition(claimed, Action.RELEASE, fence=claimed.fence)
    assert (released.state, released.attempt, released.started_at_ms) == (
        TaskState.PENDING,
        0,
        None,
    )
    again = transition(released, Action.CLAIM)
    with pytest.raises(RobotqError) as refused:
        transition(again, Action.COMPLETE, fence=claimed.fence)
    assert refused.value.code.name == "stale_claim"
    assert refused.value.args_["current"] == again.fence


def test_end__closes_an_open_question() -> None:
    question = Question(prompt="?", asked_at_ms=6, deadline_ms=9)
    running = replace(transition(new_task(), Action.CLAIM), waiting_for=question)
    assert transition(running, Action.FAIL, fence=1, error=FAILED).waiting_for is None


def test_wrong_state__says_what_it_is_and_what_was_tried() -> None:
    done = transition(transition(new_task(), Action.CLAIM), Action.COMPLETE, fence=1)
    with pytest.raises(RobotqError, match=r"task_1 is completed, so it cannot cancel\."):
        transition(done, Action.CANCEL)


def test_order__is_priority_then_place_then_arrival() -> None:
    tasks = [
        replace(new_task(), id="late", seq=9, rank=9.0),
        replace(new_task(), id="moved", seq=8, rank=0.5),
        replace(new_task(), id="twin", seq=2, rank=9.0),
        replace(new_task(), id="urgent", seq=7, rank=7.0, priority=3),
    ]
    ordered = sorted(tasks, key=lambda task: task.order)
    assert [task.id for task in ordered] == ["urgent", "moved", "twin", "late"]
