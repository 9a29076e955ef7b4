"""Listeners: everyone hears everything in order, and nobody waits for a slow one."""

from __future__ import annotations

import asyncio

import pytest

from robotq.engine.events import EventBus
from robotq.model.errors import RobotqError
from robotq.model.event import Event


def _event(number: int) -> Event:
    return Event(id=number, kind="task.step", at_ms=number, actor="test")


async def test_bus__every_listener_hears_everything_that_comes_after_it() -> None:
    bus = EventBus(last_event_id=0)
    bus.publish([_event(1)])
    with bus.subscribe() as early:
        bus.publish([_event(2), _event(3)])
        with bus.subscribe() as late:
            bus.publish([_event(4)])
            assert [event.id for event in await early.batch()] == [2, 3, 4]
            assert [event.id for event in await late.batch()] == [4]
    assert bus.last_event_id == 4


async def test_bus__a_waiting_listener_wakes_when_something_comes() -> None:
    bus = EventBus(last_event_id=0)
    with bus.subscribe() as listener:
        waiting = asyncio.create_task(listener.batch())
        await asyncio.sleep(0)
        bus.publish([_event(1)])
        assert [event.id for event in await waiting] == [1]


async def test_bus__a_listener_too_far_behind_is_cut_off_and_the_others_go_on() -> None:
    bus = EventBus(last_event_id=0, length=3)
    with bus.subscribe() as slow, bus.subscribe() as quick:
        bus.publish([_event(1), _event(2)])
        assert [event.id for event in await quick.batch()] == [1, 2]
        bus.publish([_event(3), _event(4)])
        assert [event.id async for event in slow] == []
        assert [event.id for event in await quick.batch()] == [3, 4]
        assert (bus.statistics().cut_off, bus.statistics().listeners) == (1, 1)


async def test_bus__a_listener_that_is_as_far_behind_as_it_may_be_misses_nothing() -> None:
    bus = EventBus(last_event_id=0, length=3)
    with bus.subscribe() as listener:
        bus.publish([_event(1), _event(2), _event(3)])
        assert [event.id for event in await listener.batch()] == [1, 2, 3]


async def test_bus__at_the_end_a_listener_still_hears_what_was_told_before() -> None:
    bus = EventBus(last_event_id=0)
    with bus.subscribe() as listener:
        bus.publish([_event(1)])
        bus.close()
        assert [event.id async for event in listener] == [1]


async def test_bus__a_place_is_free_again_when_its_listener_leaves() -> None:
    bus = EventBus(last_event_id=0, listeners=1)
    with bus.subscribe() as listener:
        with pytest.raises(RobotqError) as refused:
            bus.subscribe()
        assert refused.value.code.name == "too_many_requests"
        waiting = asyncio.create_task(listener.batch())
        await asyncio.sleep(0)
        waiting.cancel()
    with bus.subscribe():
        bus.publish([_event(1)])
        assert bus.statistics().listeners == 1
