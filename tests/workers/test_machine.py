"""Whatever workers, people and time do in whatever order: no task under two valid leases, an
end is final, and memory, disk and counts agree, over restarts too."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from robotq.model.errors import RobotqError
from robotq.model.job import Holder, failed_with, succeeded
from robotq.model.task import Task, TaskState
from robotq.workers import TaskReport
from tests.slices import examples

from .conftest import QUEUE, Shop, new_shop

_T = TypeVar("_T")

WORKERS = st.sampled_from(["w1", "w2", "w3"])
SECONDS = st.sampled_from([1.0, 9.0, 11.0, 70.0])


class LeaseMachine(RuleBasedStateMachine):
    """`claims` is every claim that a worker was ever told of, with what is known to have become
    of it: the judge."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.shop: Shop = self.run(new_shop())
        self.claims: list[Task] = []
        self.ends: dict[str, Task] = {}
        self.submitted: list[str] = []

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.run(self.shop.engine.shut_down())
        self.loop.close()

    @rule(
        match=st.sampled_from(["", "/a"]),
        max_retries=st.sampled_from([None, 1]),
        deadline_s=st.sampled_from([None, 15]),
    )
    def submit(self, match: str, max_retries: int | None, deadline_s: int | None) -> None:
        deadline_ms = None if deadline_s is None else self.shop.clock.ms + deadline_s * 1000
        task = self.run(
            self.shop.submit(match=match, max_retries=max_retries, deadline_ms=deadline_ms)
        )
        self.submitted.append(task.id)

    @rule(worker=WORKERS, match=st.sampled_from(["", "/a"]))
    def claim(self, worker: str, match: str) -> None:
        task = self.run(self.shop.claim(worker, match))
        if task is None:
            return
        assert task.work is not None
        assert task.work.match == match
        assert task.id not in self.ends, "an ended task was handed out"
        known = [other for other in self.claims if other.id == task.id]
        assert all(other.fence < task.fence for other in known), "a token came twice"
        self.claims.append(task)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), good=st.booleans(), named=st.booleans())
    def answer(self, data: st.DataObject, good: bool, named: bool) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        holder = Holder(worker=claim.worker if named else None, token=claim.fence)
        ending = succeeded(claim.fence) if good else failed_with("no", claim.fence)
        newest = max(other.fence for other in self.claims if other.id == claim.id)
        before = self.run(self.shop.find(claim))
        try:
            ended = self.run(self.shop.workers.finish(claim.id, holder, ending))
        except RobotqError as error:
            assert error.code.name in ("wrong_state", "stale_claim")
            assert self.run(self.shop.find(claim)) == before, "a refusal changed the task"
            return
        assert claim.fence == newest, "a late result was taken"
        assert self.ends.setdefault(claim.id, ended) == ended, "an end was changed"

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def sign_of_life(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        assert claim.worker is not None
        report = TaskReport(task_id=claim.id, token=claim.fence)
        (order,) = self.run(self.shop.workers.heartbeat(QUEUE, claim.worker, [report])).orders
        task = self.run(self.shop.find(claim))
        mine = (task.state, task.worker, task.fence) == (
            TaskState.RUNNING,
            claim.worker,
            claim.fence,
        )
        assert (order.order == "go_on") == mine

    @precondition(lambda self: self.submitted)
    @rule(data=st.data(), what=st.sampled_from(["cancel", "retry", "give_back", "lose"]))
    def somebody_does(self, data: st.DataObject, what: str) -> None:
        task_id = data.draw(st.sampled_from(self.submitted))
        queue = self.shop.engine.queue
        task = self.run(self.shop.engine.reads.task(task_id))
        holder = Holder(worker=task.worker, token=task.fence)
        doing = {
            "cancel": lambda: queue.cancel(task_id, actor="ann"),
            "retry": lambda: queue.retry_job(task_id, actor="ann"),
            "give_back": lambda: queue.give_back_job(task_id, holder),
            "lose": lambda: queue.lose_job(task_id, holder),
        }
        try:
            after = self.run(doing[what]())
        except RobotqError as error:
            assert error.code.name in ("wrong_state", "stale_claim", "retries_used_up")
            return
        if what == "retry":
            assert task.state is TaskState.FAILED
            self.ends.pop(task_id, None)
        elif after.state.final:
            self.ends[task_id] = after

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.run(self.shop.after(seconds))
        now_ms = self.shop.clock.ms
        for task_id in self.submitted:
            task = self.run(self.shop.engine.reads.task(task_id))
            if task.state.final:
                self.ends.setdefault(task_id, task)
            assert task.work is not None
            deadline_ms = task.work.deadline_ms
            assert task.state.final or deadline_ms is None or deadline_ms > now_ms

    @rule()
    def restart(self) -> None:
        self.run(self.shop.engine.shut_down())
        self.run(self.shop.store.open(finished=0))
        tasks = {i: self.run(self.shop.store.get(i)) for i in self.submitted}
        self.shop = self.run(new_shop(self.shop.store, self.shop.clock))
        for task_id, task in tasks.items():
            assert self.run(self.shop.engine.reads.task(task_id)) == task

    @invariant()
    def memory_disk_and_counts_agree(self) -> None:
        memory = self.shop.engine._parts.base.memory
        states = []
        for task_id in self.submitted:
            task = self.run(self.shop.store.get(task_id))
            assert task is not None
            assert self.run(self.shop.engine.reads.task(task_id)) == task
            assert (task.lease_until_ms is not None) <= (task.state is TaskState.RUNNING)
            states.append(task.state)
            if task_id in self.ends:
                assert self.ends[task_id] == task, "an end was changed"
        counts = memory.counts(api=QUEUE)
        for state in TaskState:
            assert getattr(counts, state.value) == states.count(state)
        worker_queue = memory.worker_queue(QUEUE)
        assert (worker_queue.waiting, len(worker_queue.running)) == (counts.pending, counts.running)
        assert [worker_queue.position(task) for task in worker_queue] == list(
            range(1, worker_queue.waiting + 1)
        )


TestLeases = LeaseMachine.TestCase
TestLeases.settings = settings(max_examples=examples(25), stateful_step_count=25, deadline=None)
