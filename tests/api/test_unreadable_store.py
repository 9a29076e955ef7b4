"""The disk can be written and not be read: every answer says so, and blames no one else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from robotq.store.port import StoreUnavailable

from .lab import GO_HOME, Lab

READS = ("get", "list", "events_since", "answer", "deliveries", "jobs", "items", "tallies")


@pytest.fixture
def unreadable_store(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    async def refused(*_args: Any, **_more: Any) -> Any:
        await asyncio.sleep(0)
        raise StoreUnavailable("input/output error")

    for name in READS:
        monkeypatch.setattr(lab.engine.store, name, refused)
    return lab


@pytest.mark.parametrize(
    "path",
    ["/tasks", "/task/task_20261122_143022_k3m9xa", "/events?last_event_id=0", "/journal"],
)
async def test_reading__is_told_as_a_disk_that_cannot_be_read(
    lab: Lab, unreadable_store: Lab, path: str
) -> None:
    await lab.submit(GO_HOME)
    answer = await lab.get(path)
    assert (answer.status, answer["error_code"]) == (503, "store_unavailable")
    assert "input/output error" in answer["message"]


async def test_submit__with_a_key_is_refused_and_makes_no_task(unreadable_store: Lab) -> None:
    await unreadable_store.post("/queue/pause", {})
    before = unreadable_store.engine.queue.memory.counts()
    for prefer in ({}, {"Prefer": "wait=1"}):
        answer = await unreadable_store.post(
            "/", GO_HOME, headers={"Idempotency-Key": "once", **prefer}
        )
        assert (answer.status, answer["error_code"]) == (503, "store_unavailable")
    assert unreadable_store.engine.queue.memory.counts() == before
