"""A round in which a promise was broken can be looked into: nothing of it is gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import evidence, judge
from .campaign import run
from .judge import Violation
from .lab import drive, ended, working_lab
from .ledger import Ledger, now_ms
from .records import read_disk


async def test_death__is_kept_as_it_was_whatever_is_written_afterwards(tmp_path: Path) -> None:
    data, ledger = tmp_path / "data", Ledger()
    async with working_lab(data) as engine:
        first = (await drive(engine, "HOME"))[0]
        await ended(engine, first)
    ledger.saw(first, "completed", now_ms())
    left = await asyncio.to_thread(read_disk, data)
    kept = await asyncio.to_thread(
        evidence.keep, tmp_path, 1, data=data, ledger=ledger, kind="claimed"
    )
    async with working_lab(data) as engine:
        second = (await drive(engine, "CHARGER"))[0]
        await ended(engine, second)
    ledger.saw(second, "completed", now_ms())

    found = await asyncio.to_thread(read_disk, kept / "data")
    assert (found.tasks, found.events) == (left.tasks, left.events)
    assert second not in found.tasks
    moved = (kept / "data" / "simulator" / "motions.jsonl").read_text()
    assert first in moved
    assert second not in moved
    assert json.loads((kept / "ledger.json").read_text())["endings"] == {first: "completed"}
    assert json.loads((kept / "death.json").read_text()) == {"kind": "claimed"}


@pytest.mark.long
async def test_round__that_fails_keeps_log_ledgers_and_databases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finds_something(*_: object) -> Iterator[Violation]:
        yield Violation("lost", "something")

    monkeypatch.setattr(judge, "at_end", finds_something)
    (outcome,) = await run(kills=2, seed=1, point=None, jobs=1, folder=tmp_path)
    assert "lost: something" in (outcome.folder / "found.txt").read_text()
    assert "robotq" in (outcome.folder / "data.log").read_text()
    assert (outcome.folder / "robotq.yaml").exists()
    deaths = evidence.deaths(outcome.folder)
    assert sorted(one.name for one in deaths.iterdir()) == ["1", "2", "3"]
    tasks = 0
    for number in ("1", "2", "3"):
        disk = await asyncio.to_thread(read_disk, deaths / number / "data")
        ledger = json.loads((deaths / number / "ledger.json").read_text())
        # what clients knew by then is in the copy of then
        assert ledger["known_ms"].keys() <= disk.tasks.keys()
        assert len(disk.tasks) > tasks
        tasks = len(disk.tasks)
