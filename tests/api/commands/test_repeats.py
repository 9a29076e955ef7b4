"""A command every day at 22:00: it runs at its time or is skipped and told, and is never caught
up; on the days on which the clocks are changed, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from robotq.catalog import Catalog
from robotq.model.repeat import DAYS, next_due_ms
from robotq.store.memory import MemoryStore
from tests.api.conftest import lab_config
from tests.api.lab import BY_HAND, GO_HOME, Lab, running_lab
from tests.slices import each

BERLIN = ZoneInfo("Europe/Berlin")
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def at_ms(text: str) -> int:
    """A time on the wall of Berlin."""
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp() * 1000)


@dataclass
class SetClock:
    ms: int

    def now_ms(self) -> int:
        return self.ms

    def steady_ms(self) -> int:
        return self.ms


@dataclass
class Evening:
    """A lab in Berlin, whose daemon can be off for a while."""

    catalog: Catalog
    folder: Path
    clock: SetClock
    store: MemoryStore

    @asynccontextmanager
    async def daemon(self, at: str = "") -> AsyncIterator[Lab]:
        if at:
            self.clock.ms = at_ms(at)
        config = await asyncio.to_thread(lab_config, self.folder)
        async with running_lab(config, self.catalog, clock=self.clock, store=self.store) as lab:
            yield lab

    async def it_is(self, lab: Lab, at: str) -> None:
        self.clock.ms = at_ms(at)
        await lab.engine.repeats.look()


@pytest.fixture
def evening(catalog: Catalog, tmp_path: Path) -> Evening:
    return Evening(catalog, tmp_path, SetClock(at_ms("2026-06-15 12:00")), MemoryStore())


async def every_day(lab: Lab, command: Any = GO_HOME, **how: Any) -> Any:
    body = {"command": command, "at": "22:00", "zone": "Europe/Berlin", **how}
    answer = await lab.post("/repeats", body)
    assert answer.status == 200, answer.text
    return answer["repeat"]


async def runs(lab: Lab) -> int:
    return len((await lab.get("/tasks")).body["tasks"])


async def shown(lab: Lab) -> Any:
    (one,) = (await lab.get("/repeats", headers={"Accept-Language": "en"})).body["repeats"]
    return one


async def told(lab: Lab, kind: str) -> list[Any]:
    rows = (await lab.get("/journal?limit=500")).body["events"]
    return [row for row in rows if row["kind"] == kind]


async def test_tonight_at_22__it_runs_once_and_the_next_evening_again(evening: Evening) -> None:
    async with evening.daemon() as lab:
        made = await every_day(lab)
        assert made["next_ms"] == at_ms("2026-06-15 22:00")
        # an answer that was lost: the same request once more is the same repeat
        assert (await every_day(lab))["repeat_id"] == made["repeat_id"]
        await evening.it_is(lab, "2026-06-15 21:59:59")
        assert await runs(lab) == 0
        await evening.it_is(lab, "2026-06-15 22:00")
        await lab.engine.repeats.look()
        first = await shown(lab)
        task = await lab.ended(first["last_task_id"])
        assert task["expires_at_ms"] == at_ms("2026-06-15 23:00")
        assert (task["robot_id"], task["actor"]) == ("robot_a", "anonymous")
        assert first["next_ms"] == at_ms("2026-06-16 22:00")
        await evening.it_is(lab, "2026-06-16 22:00:30")
        assert await runs(lab) == 2
        gone = await lab.ask("DELETE", f"/repeats/{made['repeat_id']}")
        assert gone["repeat"]["repeat_id"] == made["repeat_id"]
        await evening.it_is(lab, "2026-06-17 22:00")
        assert await runs(lab) == 2
        assert (await lab.ask("DELETE", f"/repeats/{made['repeat_id']}")).status == 404


async def test_daemon_off__what_was_missed_is_skipped_and_told_and_not_caught_up(
    evening: Evening,
) -> None:
    async with evening.daemon() as lab:
        await every_day(lab)
    async with evening.daemon("2026-06-18 08:00") as lab:
        await lab.engine.repeats.look()
        assert await runs(lab) == 0
        one = await shown(lab)
        assert one["skipped"]["missed"] == 3
        assert one["skipped"]["at_ms"] == at_ms("2026-06-17 22:00")
        assert "did not run" in one["skipped"]["reason"]
        assert one["next_ms"] == at_ms("2026-06-18 22:00")
        (event,) = await told(lab, "repeat.skipped")
        assert event["data"]["missed"] == 3
        # from then on it goes on as before
        await evening.it_is(lab, "2026-06-18 22:00")
        assert await runs(lab) == 1
        await lab.ended((await shown(lab))["last_task_id"])
    async with evening.daemon() as lab:
        # started again within the same minute: not once more
        await lab.engine.repeats.look()
        assert await runs(lab) == 1


async def test_queue_held__the_run_is_skipped_also_when_it_is_resumed_a_moment_later(
    evening: Evening,
) -> None:
    async with evening.daemon() as lab:
        await every_day(lab)
        await lab.post("/queue/pause", {"robot_id": "robot_a", "reason": "cleaning"})
        await evening.it_is(lab, "2026-06-15 22:00")
        await lab.post("/queue/resume", {"robot_id": "robot_a"})
        await evening.it_is(lab, "2026-06-15 22:00:10")
        assert await runs(lab) == 0
        assert (await shown(lab))["skipped"]["code"] == "skip.held"


async def test_run_before__has_not_ended_and_the_next_is_skipped(evening: Evening) -> None:
    async with evening.daemon() as lab:
        await every_day(lab, BY_HAND)
        await evening.it_is(lab, "2026-06-15 22:00")
        task_id = (await shown(lab))["last_task_id"]
        await evening.it_is(lab, "2026-06-16 22:00")
        one = await shown(lab)
        assert (one["skipped"]["code"], await runs(lab)) == ("skip.before", 1)
        assert task_id in one["skipped"]["reason"]


async def test_clock_set_back__no_evening_has_two_runs(evening: Evening) -> None:
    async with evening.daemon() as lab:
        await every_day(lab)
        await evening.it_is(lab, "2026-06-15 22:00")
        await lab.ended((await shown(lab))["last_task_id"])
        for at in ("2026-06-15 21:30", "2026-06-15 22:00", "2026-06-15 22:30"):
            await evening.it_is(lab, at)
        assert await runs(lab) == 1
        # a clock that was years ahead does not silence it for years
        await evening.it_is(lab, "2031-01-01 12:00")
        await evening.it_is(lab, "2026-06-16 21:00")
        await evening.it_is(lab, "2026-06-16 22:00")
        assert await runs(lab) == 2


@each(
    ("body", "field"),
    [
        ({"at": "24:00"}, "at"),
        ({"at": "9:5"}, "at"),
        ({"zone": "Europe/Nowhere"}, "zone"),
        ({"days": ["mon", "mon"]}, "days"),
        ({"command": {"cmd_type": "NAVIGATION", "params": {}}}, "command.params.area"),
        ({"command": {"cmd_type": "GET_BATTERY_STATE"}}, "command.cmd_type"),
        ({"command": {**GO_HOME, "not_before": "+1h"}}, "command.not_before"),
        ({"within_s": 5}, "within_s"),
    ],
)
async def test_refused__names_what_is_wrong(lab: Lab, body: Any, field: str) -> None:
    answer = await lab.post("/repeats", {"command": GO_HOME, "at": "22:00", **body})
    assert answer.status in (400, 422), answer.text
    assert answer["field"] == field
    assert (await lab.get("/repeats")).body["repeats"] == []


def _of_a_year(at: str, *, days: tuple[str, ...] = DAYS) -> list[datetime]:
    after_ms, found = at_ms("2026-01-01"), []
    while after_ms < at_ms("2027-01-01"):
        after_ms = next_due_ms(at, days, BERLIN, after_ms)
        found.append(datetime.fromtimestamp(after_ms / 1000, BERLIN))
    return [one for one in found if one.year == 2026]


def test_clocks_put_forward__what_is_left_out_runs_when_they_are() -> None:
    """On 2026-03-29 there is no 02:30 in Berlin: 02:00 is 03:00."""
    found = _of_a_year("02:30")
    assert len(found) == 365
    (changed,) = [one for one in found if (one.hour, one.minute) != (2, 30)]
    assert f"{changed:%Y-%m-%d %H:%M %z}" == "2026-03-29 03:00 +0200"


def test_clocks_put_back__what_comes_twice_runs_once() -> None:
    """On 2026-10-25 there are two of 02:30: the first one counts."""
    found = _of_a_year("02:30")
    (twice,) = [one for one in found if one.date().isoformat() == "2026-10-25"]
    assert twice.astimezone(UTC).strftime("%H:%M") == "00:30"


def test_days_of_the_week__are_those_of_the_wall() -> None:
    found = _of_a_year("00:15", days=("mon",))
    assert {one.weekday() for one in found} == {0}
    assert len(found) == 52
