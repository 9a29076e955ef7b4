"""Ten thousand commands wait, a million have ended: a person opens the page and finds things, each
within a second; and an evening with the page open makes neither it nor the daemon larger.

`python -m pytest -m long tests/web/test_large.py -n 0 -s` prints the figures.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from benchmarks.client import Connection, command
from benchmarks.database import with_finished_tasks
from benchmarks.process import DaemonProcess

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.asyncio(loop_scope="package"),
]

WAITING = 10_000
FINISHED = 1_000_000
USABLE_S = 1.0
MINUTES = float(os.environ.get("ROBOTQ_MINUTES", "10"))
GROWTH_MIB = 30.0
"""Of the daemon, and of the page, from the first minute to the last."""
_SETTLED = 0.15
"""Of the whole time: caches fill, and what was read once is kept."""
_PAINT = """() => {
  const first = performance.getEntriesByName("first-contentful-paint")[0];
  return first ? first.startTime / 1000 : null;
}"""
_ROWS = "document.querySelectorAll('main .queue .row').length >= 4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """A daemon with all of that."""

    daemon: DaemonProcess
    connection: Connection

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.daemon.port}/dashboard"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the past is made once. `ROBOTQ_KEPT` names a folder in which it stays for the next
    run."""
    return Path(os.environ.get("ROBOTQ_KEPT") or tmp_path_factory.mktemp("kept"))


@pytest.fixture
def full(kept: Path, tmp_path: Path) -> Iterator[Full]:
    """The past is made by SQL, what waits is handed in."""
    data = with_finished_tasks(kept, FINISHED, tmp_path / "data")
    environ = {"ROBOTQ_QUEUE__MAX_LENGTH": "100000"}
    with DaemonProcess(data, environ=environ) as daemon, daemon.connect() as connection:
        connection.post("/queue/pause")
        for first in range(0, WAITING, 500):
            batch = [command(cmd_id=f"drive-{first + one:05d}") for one in range(500)]
            connection.post("/?contiguous=false", batch)
        yield Full(daemon=daemon, connection=connection)


class Stopwatch:
    def __init__(self) -> None:
        self.taken: dict[str, float] = {}

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.taken[what] = time.perf_counter() - began

    def slow(self) -> dict[str, float]:
        for what, took_s in self.taken.items():
            sys.stdout.write(f"\n{took_s:7.3f} s  {what}")
        return {what: took_s for what, took_s in self.taken.items() if took_s > USABLE_S}


@asynccontextmanager
async def _page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(
        viewport={"width": 1920, "height": 1080},
        locale="en-GB",
        # what waits for the page is a script of ours inside of it
        bypass_csp=True,
    )
    try:
        yield await context.new_page()
    finally:
        await context.close()


async def test_page__with_a_long_past_and_a_long_queue_is_usable_within_a_second(
    full: Full, chromium: Browser
) -> None:
    async with _page(chromium) as page:
        watch = Stopwatch()
        # the first one starts the browser's own machinery
        await page.goto(full.url)
        await page.wait_for_function(_ROWS)
        with watch("the page, until robots and heads of queues stand"):
            await page.reload(wait_until="commit")
            await page.wait_for_function(_ROWS)
        watch.taken["the page, first paint"] = await page.evaluate(_PAINT)
        await _queue(page, watch)
        await _history(page, watch)
        await _others(page, watch)
        assert watch.slow() == {}


async def _queue(page: Page, watch: Stopwatch) -> None:
    position = page.locator(".rows.all .position")
    with watch("the queue of 10,000"):
        await page.evaluate("location.hash = '#queue/robot_a'")
        await expect(page.locator("main h1")).to_contain_text("10,000")
        await expect(position.first).to_have_text("1")
    with watch("its end"):
        await page.evaluate("document.querySelector('.queue.whole .scroll').scrollTop = 1e9")
        await expect(position.last).to_have_text("10000")
    field = page.locator(".queue.whole input.find")
    for text, rows in (("drive-07777", 1), ("drive-0777", 10), ("nothing like it", 0)):
        with watch(f"filtered by {text!r}"):
            await field.fill(text)
            await expect(page.locator(".queue.whole .rows.all .row")).to_have_count(rows)
    with watch("all of it again"):
        await field.fill("")
        await expect(position.first).to_have_text("1")
        await expect(page.locator("main h1")).to_contain_text("10,000")


async def _history(page: Page, watch: Stopwatch) -> None:
    rows = page.locator(".history tbody tr")

    async def until_shown(ask: Callable[[], Awaitable[object]], *, none: bool = False) -> None:
        async with page.expect_response(lambda one: "dashboard/history" in one.url) as answer:
            await ask()
        await (await answer.value).finished()
        if none:
            await expect(page.get_by_text("No task", exact=False).first).to_be_visible()
        else:
            await expect(rows.first).to_be_visible()
        await page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")

    async def shown(what: str, ask: Callable[[], Awaitable[object]], *, none: bool = False) -> None:
        with watch(f"history: {what}"):
            await until_shown(ask, none=none)

    await shown("opened", lambda: page.evaluate("location.hash = '#history'"))
    older = page.get_by_role("button", name="Older")
    for number in (1, 2):
        await shown(f"older, {number}", older.click)
    state, robot = page.locator("#history-state"), page.locator("#history-robot")
    await shown("failed", lambda: state.select_option("failed"))
    await shown("failed at robot_b", lambda: robot.select_option("robot_b"))
    await shown("the same, long ago", lambda: _typed(page, "#history-to", _days_ago(15)))
    await shown("all of long ago", lambda: state.select_option(""))
    clear = page.locator(".history .chips .chip").last
    await shown("everything again", clear.click)
    for name, none in (("go_500000", False), ("nobody_knows_it", True)):
        await shown(f"by name {name}", partial(_typed, page, "#history-own", name), none=none)
    await shown("everything again, 2", clear.click)
    unknown = partial(state.select_option, "outcome_unknown")
    await shown("unknown outcome, there is none", unknown, none=True)
    await shown("cancelled, there is none", partial(state.select_option, "cancelled"), none=True)
    await shown("everything again, 3", clear.click)
    with watch("a task of the past"):
        await rows.first.locator("a.title").click()
        await expect(page.locator("main h1")).to_be_visible()
        await expect(page.locator("main")).to_contain_text("robot_")


async def _others(page: Page, watch: Stopwatch) -> None:
    for view in ("log", "charts", "wall", "submit", "now"):
        with watch(f"view {view}"):
            async with page.expect_event("framenavigated"):
                await page.evaluate(f"location.hash = '#{view}'")
            await expect(page.locator("main h1")).to_be_attached()
            await page.wait_for_load_state("networkidle") if view == "charts" else None


async def _typed(page: Page, field: str, text: str) -> None:
    await page.locator(field).fill(text)
    await page.locator(field).dispatch_event("change")


def _days_ago(days: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() - days * 86_400))


@pytest.mark.timeout(60 * MINUTES + 300)
async def test_page__that_is_open_while_the_robots_work_does_not_grow(
    full: Full, chromium: Browser
) -> None:
    """Both robots work all the time, and somebody turns the pages."""
    async with _page(chromium) as page:
        await page.goto(full.url)
        await page.wait_for_function(_ROWS)
        session = await page.context.new_cdp_session(page)

        async def page_mib() -> float:
            await session.send("HeapProfiler.collectGarbage")
            return float((await session.send("Runtime.getHeapUsage"))["usedSize"]) / 2**20

        async def nodes() -> int:
            counted = await session.send("Memory.getDOMCounters")
            return int(counted["nodes"])

        (await asyncio.to_thread(full.connection.resume)).fine()
        began = time.monotonic()
        looks: list[tuple[float, float, float, int, int]] = []
        last = _last_event(full)
        views = ("now", "queue/robot_a", "history", "log", "charts", "wall")
        turn = 0
        while (past := time.monotonic() - began) < MINUTES * 60:
            for view in views:
                await page.evaluate(f"location.hash = '#{view}'")
                await asyncio.sleep(min(2.0, MINUTES))
            turn += 1
            batch = [command(cmd_id=f"more-{turn}-{one}") for one in range(100)]
            await asyncio.to_thread(full.connection.post, "/?contiguous=false", batch)
            mib = full.daemon.usage().memory_mib
            looks.append((past, mib, await page_mib(), await nodes(), _last_event(full) - last))
            sys.stdout.write(
                f"\n{past:6.0f} s  daemon {mib:6.1f} MiB  page {looks[-1][2]:5.1f} MiB, "
                f"{looks[-1][3]} nodes  {looks[-1][4]} events"
            )
        settled = [one for one in looks if one[0] >= _SETTLED * MINUTES * 60]
        assert settled[-1][4] > 50 * MINUTES, "the robots were at work"
        for index, whose in ((1, "daemon"), (2, "page")):
            grown = settled[-1][index] - settled[0][index]
            assert grown < GROWTH_MIB, f"{whose}: {grown:.1f} MiB"
        assert settled[-1][3] < 2 * settled[0][3] + 1000, "nodes of the page"


def _last_event(full: Full) -> int:
    return int(full.connection.get("/dashboard/look")["last_event_id"])
