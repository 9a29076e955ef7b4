"""No default test waits long in real time: those that do are listed here with the reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LONGEST_S = 0.05

WAITS = {
    "acceptance/test_all_interfaces.py": "its test is long",
    "drivers/jsonline/test_bad_wire.py": "some vain attempts to connect, whose pauses grow",
    "drivers/marlin/test_holds.py": "limits of a step and of an answer, by the emulator's wall",
    "drivers/marlin/test_waiting.py": "a driver that says nothing, for as long as it might ask",
    "test_patience.py": "as if the machine had been busy",
    "test_watchdog.py": "a wait longer than a stall",
    "workers/test_reference_worker.py": "work that takes longer than the shortest lease",
}
"""File -> why it waits."""

CLOCKS = {"asyncio", "time"}


def waits(source: str) -> Iterator[tuple[int, float]]:
    """Line and seconds of what sleeps too long; motion has a clock of its own, which can jump."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="sleep", value=ast.Name(id=clock)),
                args=[ast.Constant(value=float() | int() as seconds), *_],
            ) if clock in CLOCKS and seconds > LONGEST_S:
                yield node.lineno, seconds
            case _:
                pass


def found() -> dict[str, list[tuple[int, float]]]:
    files = {file: [*waits(file.read_text(encoding="utf-8"))] for file in HERE.rglob("*.py")}
    return {str(file.relative_to(HERE)): lines for file, lines in files.items() if lines}


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
