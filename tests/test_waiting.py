"""No default test sleeps long in real time: those that do are marked with the reason.

`tests.real_time` looks while they run, whatever the number is made from; here the numbers that
stand in the files are looked at, also those of tests that are long or skipped.
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.syntax import tree_of

from . import real_time

HERE = Path(__file__).parent

WAITS = {
    "acceptance/test_all_interfaces.py": "its test is long",
    "cli/test_notify_kills.py": "kills come at any moment; its test is long",
    "cli/test_stop_while_starting.py": "whoever has connected takes a moment to say what he wants",
    "fleet/standby/test_standby.py": "a daemon is frozen beyond its lease; its test is long",
    "fleet/standby/test_taken_back.py": "what is held does not begin; its tests are long",
    "fleet/standby/test_told_before_answered.py": "what is held does not begin; its test is long",
    "fleet/standby/test_other_drivers.py": "nothing happens beyond a lease; its test is long",
    "fleet/weather/campaign.py": "daemons die and links are cut at any moment; its tests are long",
    "fleet/weather/clients.py": "who submits takes his time; its tests are long",
    "fleet/weather/judge.py": "what a daemon has told comes to the hubs; its tests are long",
    "test_guides.py": "what a guide prints is looked for while its daemon starts; it is long",
    "test_patience.py": "as if the machine had been busy",
    "test_watchdog.py": "a wait longer than a stall",
    "workers/test_reference_worker.py": "work that takes longer than the shortest lease",
}
"""File -> why it waits."""
BY_A_SWIFT_CLOCK = ("drivers/", "swift/")
"""What is slept there is not slept for real (`tests.swift`); what is, is seen while it runs."""

CLOCKS = {"asyncio", "time"}


def waits(source: str) -> Iterator[tuple[int, float]]:
    """Line and seconds of what sleeps too long; motion has a clock of its own, which can jump."""
    if ".sleep(" not in source:
        return
    for node in ast.walk(tree_of(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="sleep", value=ast.Name(id=clock)),
                args=[ast.Constant(value=float() | int() as seconds), *_],
            ) if clock in CLOCKS and seconds > real_time.LONGEST_S:
                yield node.lineno, seconds
            case _:
                pass


def found() -> dict[str, list[tuple[int, float]]]:
    files = {file: [*waits(file.read_text(encoding="utf-8"))] for file in HERE.rglob("*.py")}
    told = {str(file.relative_to(HERE)): lines for file, lines in files.items() if lines}
    return {file: lines for file, lines in told.items() if not file.startswith(BY_A_SWIFT_CLOCK)}


def test_sleeps__are_short_but_where_a_reason_is_given() -> None:
    assert found().keys() == WAITS.keys()


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("time.sleep(2)", [2]),
        ("await asyncio.sleep(0.06)", [0.06]),
        ("time.sleep(0.05)", []),
        ("clock.sleep(100, never)", []),
    ],
)
def test_sleeps__are_found(line: str, seconds: list[float]) -> None:
    assert [wait for _, wait in waits(f"async def f():\n    {line}\n")] == seconds


async def test_sleep__of_a_test_is_seen_however_it_sleeps() -> None:
    slept = real_time.Slept()
    real_time._thread_sleep(slept, lambda _: None)(0.3)
    await real_time._task_sleep(slept, _no_time)(0.2)
    wait = real_time._condition_wait(slept, lambda _, timeout: timeout is None)
    wait(threading.Condition(), 0.1)
    told = [wait.rpartition(":")[0] for wait in slept.waits]
    assert told == [f"{s} s in tests/test_waiting.py" for s in ("0.3", "0.2", "0.1")]


async def test_sleep__that_is_short_or_whose_event_comes_is_none() -> None:
    slept = real_time.Slept()
    real_time._thread_sleep(slept, lambda _: None)(real_time.LONGEST_S)
    await real_time._task_sleep(slept, _no_time)(real_time.LONGEST_S)
    assert real_time._condition_wait(slept, lambda _, timeout: timeout is not None)(
        threading.Condition(), 9
    )
    assert slept.waits == []


async def _no_time(_: float, result: None) -> None:
    return result
