"""Reads: every question to a disk that cannot be read, or does not answer, is told the same."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

import pytest

from robotq.engine.reads import Reads
from robotq.model.errors import NotReadable, RobotqError
from robotq.store.mutations import Answer
from robotq.store.port import DeliveryQuery, ItemBatchQuery, ItemQuery, TaskQuery
from robotq.store.queries import JobQuery
from tests.engine.conftest import Lab
from tests.slices import each

ANSWER = Answer(
    scope="robot", key="key", fingerprint="0" * 64, body={"task_ids": ["task_0"]}, at_ms=0
)
QUESTIONS: dict[str, Callable[[Reads], Awaitable[object]]] = {
    "task": lambda reads: reads.task("task_0"),
    "task_if_any": lambda reads: reads.task_if_any("task_0"),
    "anew": lambda reads: reads.anew("task_0"),
    "tasks": lambda reads: reads.tasks(TaskQuery()),
    "jobs": lambda reads: reads.jobs(JobQuery(api="orchestrator")),
    "events": lambda reads: reads.events(0, limit=1),
    "webhooks": lambda reads: reads.webhooks(DeliveryQuery()),
    "answer": lambda reads: reads.answer("robot", "key"),
    "kept_answer": lambda reads: reads.kept_answer("robot", "key"),
    "taken_back": lambda reads: reads.taken_back(ANSWER),
    "items": lambda reads: reads.items(ItemQuery()),
    "item_batches": lambda reads: reads.item_batches(ItemBatchQuery()),
    "tallies": lambda reads: reads.tallies("orchestrator", from_ms=0, to_ms=0),
}


def test_questions__are_all_that_there_are() -> None:
    public = {
        name
        for name, method in inspect.getmembers(Reads, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
    assert public == set(QUESTIONS)


@each("question", QUESTIONS)
async def test_unreadable_disk__is_a_503_for_every_question(lab: Lab, question: str) -> None:
    lab.disk.unreadable = True
    with pytest.raises(NotReadable) as refused:
        await QUESTIONS[question](lab.engine.reads)
    assert refused.value.code.name == "store_unavailable"
    assert str(refused.value).endswith("so it cannot answer: input/output error")


@pytest.mark.parametrize("question", QUESTIONS)
async def test_disk_that_does_not_answer__is_told_when_the_time_is_over(
    lab: Lab, question: str
) -> None:
    lab.disk.hang_reads()
    lab.engine.reads._deadline_s = 0.01
    async with asyncio.timeout(5):
        with pytest.raises(NotReadable, match="the disk does not answer"):
            await QUESTIONS[question](lab.engine.reads)


async def test_task_in_memory__needs_no_disk(lab: Lab) -> None:
    lab.disk.unreadable = True
    task = await lab.run("first")
    assert await lab.engine.reads.task(task.id) == task
    assert lab.engine.reads.known(task.id) == task


async def test_task__that_is_nowhere(lab: Lab) -> None:
    with pytest.raises(RobotqError, match="task_0") as refused:
        await lab.engine.reads.task("task_0")
    assert refused.value.code.name == "task_not_found"
    assert await lab.engine.reads.task_if_any("task_0") is None
