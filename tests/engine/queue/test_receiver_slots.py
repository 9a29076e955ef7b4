"""Work for others: none of them can hold up the rest."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from robotq.engine.webhooks.slots import ReceiverSlots


class Jobs:
    """Jobs that wait for `go_on`; the one called `broken` raises."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.begun: list[str] = []
        self.done: list[str] = []
        self.lines = ReceiverSlots(self.do, per_receiver=2, at_once=3)

    async def do(self, job_id: str) -> None:
        self.begun.append(job_id)
        if job_id == "broken":
            raise ValueError("no such thing")
        await self.go_on.wait()
        self.done.append(job_id)

    def put(self, *job_ids: str) -> None:
        for job_id in job_ids:
            self.lines.put(job_id, job_id[0], 0)


@pytest.fixture
async def jobs() -> AsyncIterator[Jobs]:
    jobs = Jobs()
    yield jobs
    await jobs.lines.stop(0)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0.001)


async def test_lines__few_at_once_for_each_and_not_too_many_at_all(jobs: Jobs) -> None:
    jobs.put("a1", "a2", "a3", "a4", "b1", "b2", "c1")
    await settled()
    assert Counter(job_id[0] for job_id in jobs.begun) == {"a": 2, "b": 1}
    jobs.go_on.set()
    await settled()
    assert sorted(jobs.done) == ["a1", "a2", "a3", "a4", "b1", "b2", "c1"]


async def test_job_that_raises__is_logged_and_the_others_go_on(
    jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    jobs.go_on.set()
    jobs.put("broken", "b1", "b2")
    await settled()
    assert jobs.done == ["b1", "b2"]
    assert "broken failed" in caplog.text


async def test_job__has_one_time_at_once(jobs: Jobs) -> None:
    jobs.go_on.set()
    jobs.lines.put("a1", "a", 0.005)
    jobs.put("a1")
    await asyncio.sleep(0.05)
    assert jobs.done == ["a1"]


async def test_stop__lets_go_of_what_does_not_end_and_begins_nothing_else(jobs: Jobs) -> None:
    jobs.put("a1", "a2", "a3")
    jobs.lines.put("b1", "b", 60)
    await settled()
    await jobs.lines.stop(0.01)
    assert not jobs.lines._timers, "b1 would begin later"
    jobs.put("c1")
    jobs.go_on.set()
    await settled()
    assert (jobs.begun, jobs.done) == (["a1", "a2"], [])
