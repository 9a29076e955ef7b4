"""Signals: what has happened is told to everybody, at once, and nobody's fault undoes it."""

from __future__ import annotations

import pytest

from robotq.engine.signals import Signal
from robotq.model.task import TaskState
from tests.engine.conftest import Lab


def test_signal__calls_all_at_once_in_their_order() -> None:
    heard: list[str] = []
    signal: Signal[[str]] = Signal("a word")
    signal.subscribe(lambda word: heard.append(f"first {word}"))
    signal.subscribe(lambda word: heard.append(f"second {word}"))
    signal.tell("tea")
    assert heard == ["first tea", "second tea"]


def test_signal__a_subscriber_that_fails_keeps_nobody_from_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[str] = []

    def broken(word: str) -> None:
        raise ZeroDivisionError(word)

    signal: Signal[[str]] = Signal("a word")
    signal.subscribe(broken)
    signal.subscribe(heard.append)
    signal.tell("tea")
    assert heard == ["tea"]
    assert "told of a word, and failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_signal__one_may_leave_while_it_is_told() -> None:
    heard: list[str] = []
    signal: Signal[[str]] = Signal("a word")

    def once(word: str) -> None:
        heard.append(word)
        signal.unsubscribe(once)

    signal.subscribe(once)
    signal.subscribe(heard.append)
    signal.tell("one")
    signal.tell("two")
    assert heard == ["one", "one", "two"]


async def test_commit__stands_where_somebody_who_is_told_fails(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("ours")

    for signal in ("task_written", "hold_changed", "stop_wanted"):
        getattr(lab.engine.signals, signal).subscribe(broken)
    task = await lab.run("first")
    assert task.state is TaskState.COMPLETED
    await lab.engine.pause(None, actor="ann")
    assert lab.engine.holds.held("robot_a")
    assert "ZeroDivisionError" in caplog.text
    assert await lab.disk.data.get(task.id) == task
