"""How soon the dashboard is usable with many tasks, and what it keeps of many events."""

from __future__ import annotations

import asyncio
import shutil
import time

from playwright.async_api import Browser, Page, Playwright, async_playwright

from benchmarks.client import Connection, command
from benchmarks.database import with_finished_tasks
from benchmarks.figures import Figure, Options
from benchmarks.process import DaemonProcess

TITLE = "The dashboard in a browser with many waiting and many finished tasks"

_BATCH = 500
_READY = "document.querySelectorAll('.waiting .row').length >= 8"


def run(options: Options) -> list[Figure]:
    """The page is open for `seconds` while robots work. Raises RuntimeError without Chromium."""
    folder = with_finished_tasks(options.folder, options.finished, options.folder / "dashboard")
    with DaemonProcess(folder) as daemon, daemon.connect() as connection:
        connection.post("/queue/pause")
        for _ in range(-(-options.waiting // _BATCH)):
            connection.post("/", [command()] * min(_BATCH, options.waiting))
        return asyncio.run(_measure(options, daemon.port, connection))


async def _measure(options: Options, port: int, connection: Connection) -> list[Figure]:
    async with async_playwright() as playwright:
        browser = await _launch(playwright)
        page = await browser.new_page(
            viewport={"width": 1920, "height": 1080},
            # what waits for the page is a script of ours inside of it
            bypass_csp=True,
        )
        load_s = await _ready_s(page, f"http://127.0.0.1:{port}/dashboard")
        scroll_s = await _scrolled_s(page, options.waiting)
        growth_mb, events = await _growth_mb(page, connection, options.seconds)
        await browser.close()
    sizes = f"{options.waiting} waiting, {options.finished} finished"
    return [
        Figure(name="dashboard.usable_s", value=load_s, unit="s", target=1.0, raw=sizes),
        Figure(name="dashboard.end_of_queue_s", value=scroll_s, unit="s", target=1.0, raw=sizes),
        Figure(
            name="dashboard.memory_growth_mb",
            value=growth_mb,
            unit="MB",
            target=50.0,
            raw=f"{events} events in {options.seconds:g} s",
        ),
    ]


async def _launch(playwright: Playwright) -> Browser:
    names = ("chromium", "google-chrome", playwright.chromium.executable_path)
    path = next((path for name in names if (path := shutil.which(name))), None)
    if path is None:
        raise RuntimeError("no Chromium here: apt-get install chromium, or leave `dashboard` out")
    return await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])


async def _ready_s(page: Page, url: str) -> float:
    """From the request to a page on which all robots and the heads of the queues stand."""
    # the first one starts the browser's own machinery
    await page.goto(url)
    await page.wait_for_function(_READY)
    began = time.perf_counter()
    await page.reload(wait_until="commit")
    await page.wait_for_function(_READY)
    return time.perf_counter() - began


async def _scrolled_s(page: Page, waiting: int) -> float:
    """From a jump to the end of the queue to its last task on the screen."""
    await page.evaluate("location.hash = '#queue/robot_a'")
    await page.wait_for_selector(".rows.all .row")
    began = time.perf_counter()
    await page.evaluate("document.querySelector('.scroll').scrollTop = 1e9")
    last = "[...document.querySelectorAll('.rows.all .position')].at(-1)?.textContent"
    await page.wait_for_function(f"Number({last}) >= {min(waiting, 1000)} * 0.99")
    return time.perf_counter() - began


async def _growth_mb(page: Page, connection: Connection, seconds: float) -> tuple[float, int]:
    """Script memory after garbage collection, with the robots at work in between."""
    await page.evaluate("location.hash = '#now'")
    session = await page.context.new_cdp_session(page)

    async def used_mb() -> float:
        await session.send("HeapProfiler.collectGarbage")
        usage = await session.send("Runtime.getHeapUsage")
        return float(usage["usedSize"]) / 1e6

    before_mb, before = await used_mb(), _last_event(connection)
    (await asyncio.to_thread(connection.resume)).fine()
    await asyncio.sleep(seconds)
    await asyncio.to_thread(connection.post, "/queue/pause")
    return await used_mb() - before_mb, _last_event(connection) - before


def _last_event(connection: Connection) -> int:
    return int(connection.get("/dashboard/look")["last_event_id"])
