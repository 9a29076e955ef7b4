"""The log tells programs what happens to each task, and people nothing that they did not ask."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from robotq.engine.events.bus import EventBus
from robotq.engine.reads import Reads
from robotq.engine.state.resources import Resources
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.upkeep.event_log import events_logged
from robotq.model.event import Event
from robotq.store.memory import MemoryStore
from tests.engine.conftest import Lab

LOGGER = "robotq.journal"


def event(number: int) -> Event:
    return Event(kind="task.submitted", at_ms=0, actor="test", id=number)


async def told(length: int = 1_000) -> tuple[EventBus, Reads]:
    """What tells events, and who reads them."""
    store, bus = MemoryStore(), EventBus(last_event_id=0, length=length)
    memory = TaskMemory(await store.open(finished=0), queues=(), finished=0)
    return bus, Reads(store, memory, Resources({}, ()), bus)


def fields(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = vars(record)["fields"]
    return found


async def test_program__hears_of_every_task_what_became_of_it(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", LOGGER)
    async with events_logged(lab.engine.reads, for_people=False):
        done = await lab.run("first")
        await lab.engine.pause("robot_a", actor="ann", reason="tea")
    about_task = [one for one in caplog.records if fields(one)["task_id"] == done.id]
    assert [(fields(one)["event"], one.levelname) for one in about_task] == [
        ("task.submitted", "INFO"),
        ("task.claimed", "INFO"),
        ("task.completed", "INFO"),
    ]
    (held,) = (one for one in caplog.records if fields(one)["event"] == "hold.set")
    assert (held.levelname, fields(held)["robot_id"], fields(held)["actor"]) == (
        "WARNING",
        "robot_a",
        "ann",
    )
    assert done.id in about_task[0].getMessage()


async def test_people__read_the_journal_unless_they_debug(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", LOGGER)
    tasks = len(asyncio.all_tasks())
    async with events_logged(lab.engine.reads, for_people=True):
        # nobody listens, so a submit costs what it did before
        assert len(asyncio.all_tasks()) == tasks
        await lab.run("first")
    assert caplog.records == []
    caplog.set_level("DEBUG", LOGGER)
    async with events_logged(lab.engine.reads, for_people=True):
        await lab.run("second")
    assert {one.levelname for one in caplog.records} == {"DEBUG"}
    assert "task.step" in {fields(one)["event"] for one in caplog.records}


async def test_start__is_told_although_it_was_before(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", LOGGER)
    bus, reads = await told()
    bus.publish([event(1)])
    async with events_logged(reads, for_people=False):
        bus.publish([event(2)])
    assert [fields(one)["event_id"] for one in caplog.records] == [1, 2]


async def test_flood__leaves_a_word_where_something_is_missing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", LOGGER)
    bus, reads = await told(length=10)
    async with events_logged(reads, for_people=False):
        bus.publish(event(number) for number in range(1, 101))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        bus.publish([event(101)])
    missing, later = caplog.records
    assert missing.levelname == "WARNING"
    assert "the journal has them" in missing.getMessage()
    assert fields(later)["event_id"] == 101
