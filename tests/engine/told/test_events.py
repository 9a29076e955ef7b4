"""Whoever listens hears everything once, in order, after it is on disk, and slows nobody."""

from __future__ import annotations

import asyncio

import pytest

from robotq.engine.events.bus import EventBus
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from tests.engine.conftest import Lab


def event(number: int) -> Event:
    return Event(kind="task.step", at_ms=0, actor="test", id=number)


async def test_life_of_a_task__is_told_in_order(lab: Lab) -> None:
    with lab.engine.reads.subscribe() as events:
        await lab.run("first")
        heard = []
        async for one in events:
            heard.append(one)
            if one.kind == "task.completed":
                break
    assert [(one.kind, one.before, one.after) for one in heard] == [
        ("task.submitted", None, "pending"),
        ("task.claimed", "pending", "running"),
        ("task.step", None, None),
        ("task.step", None, None),
        ("task.completed", "running", "completed"),
    ]
    assert heard == (await lab.events("task."))


async def test_told__only_what_is_on_disk(lab: Lab) -> None:
    lab.disk.hang_all()
    with lab.engine.reads.subscribe() as events:
        submitting = asyncio.create_task(lab.submit("first"))
        listening = asyncio.create_task(anext(events))
        await lab.quiet()
        assert not listening.done()
        lab.disk.go_on()
        assert (await listening).task_id == await submitting


async def test_listener__that_lags_is_cut_off_and_the_others_hear_everything() -> None:
    bus = EventBus(last_event_id=0, length=10)
    with bus.subscribe() as slow, bus.subscribe() as quick:
        for start in range(1, 100, 5):
            bus.publish([event(number) for number in range(start, start + 5)])
            assert [one.id for one in await quick.batch()] == list(range(start, start + 5))
        assert [one.id async for one in slow] == []
    assert bus.statistics().cut_off == 1
    assert bus.statistics().listeners == 0


async def test_listener__that_is_just_in_time_hears_everything() -> None:
    bus = EventBus(last_event_id=0, length=10)
    with bus.subscribe() as listener:
        bus.publish([event(number) for number in range(1, 11)])
        assert [one.id for one in await listener.batch()] == list(range(1, 11))


async def test_listener__that_waits_is_woken_at_once() -> None:
    bus = EventBus(last_event_id=0)
    with bus.subscribe() as listener:
        listening = asyncio.create_task(listener.batch())
        await asyncio.sleep(0)
        bus.publish([event(1)])
        assert [one.id for one in await listening] == [1]


async def test_listener__that_is_cancelled_while_it_waits_loses_nothing() -> None:
    bus = EventBus(last_event_id=0)
    with bus.subscribe() as listener:
        listening = asyncio.create_task(anext(listener))
        await asyncio.sleep(0)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        bus.publish([event(1)])
        assert (await anext(listener)).id == 1


async def test_line__of_events_does_not_grow() -> None:
    bus = EventBus(last_event_id=0, length=10)
    for number in range(1, 1_000):
        bus.publish([event(number)])
    assert len(bus._latest) <= 20
    assert bus.last_event_id == 999


async def test_listeners__one_too_many_is_refused() -> None:
    bus = EventBus(last_event_id=0, listeners=1)
    with bus.subscribe(), pytest.raises(RobotqError) as refused:
        bus.subscribe()
    assert refused.value.code.name == "too_many_requests"
    with bus.subscribe():
        assert bus.statistics().listeners == 1


async def test_step_details__of_any_name_are_told(lab: Lab) -> None:
    """A driver may call what a step is about as it likes."""
    task_id = await lab.at_gate("first")
    run = lab.engine.robots["robot_a"].executor._run
    assert run is not None
    run.recorder.step_started(1, "POUR", {"state": "open", "kind": "acid", "at_ms": 3}, 7)
    lab.driver.gate.set()
    task = await lab.ended(task_id)
    assert [step.name for step in task.steps] == ["WORKING", "POUR"]
    (told,) = [one for one in await lab.events("task.step") if one.data["step"] == "POUR"]
    assert (told.data["state"], told.data["kind"]) == ("running", "acid")
