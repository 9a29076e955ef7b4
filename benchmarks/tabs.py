"""An emergency stop from each of seven tabs of a browser that have the dashboard open."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable

from playwright.async_api import Page, async_playwright
from playwright.async_api import TimeoutError as TooLate

from benchmarks.wires import Wire

TABS = 7
"""A browser has six connections to an address."""
_LATEST_S = 5.0
_LOAD_MS = 20_000.0
_LIVE = "document.querySelector('.live')?.textContent === 'Live'"
_PRESS = "document.getElementById('estop')?.click()"


def browser() -> str | None:
    """Where Chromium is, None without one."""
    return shutil.which("chromium") or shutil.which("google-chrome")


def stops(
    path: str, port: int, wire: Wire, rounds: int, ready: Callable[[bool], None]
) -> tuple[list[float], int]:
    """Milliseconds from the press to the stop byte out of the wire, and how many did not come.

    `ready(stopped)` has the robot move again; it blocks.
    """
    return asyncio.run(_stops(path, port, wire, rounds, ready))


async def _stops(
    path: str, port: int, wire: Wire, rounds: int, ready: Callable[[bool], None]
) -> tuple[list[float], int]:
    found: list[float] = []
    failed = 0
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        # what waits for the page is a script of ours inside of it
        context = await chromium.new_context(locale="en-US", bypass_csp=True)
        pages = []
        for _ in range(TABS):
            page = await context.new_page()
            with contextlib.suppress(TooLate):  # it is pressed all the same, and does not come
                await page.goto(f"http://127.0.0.1:{port}/dashboard", timeout=_LOAD_MS)
            pages.append(page)
        for number in range(rounds):
            for index, page in enumerate(pages):
                try:
                    await asyncio.to_thread(ready, number + index > 0)
                    took_ms = await _press(page, wire)
                except (RuntimeError, OSError) as error:
                    print(f"  tabs: {str(error)[:200]}", flush=True)
                    took_ms = None
                if took_ms is None:
                    failed += 1
                else:
                    found.append(took_ms)
        await chromium.close()
    return found, failed


async def _press(page: Page, wire: Wire) -> float | None:
    await page.bring_to_front()
    try:
        await page.wait_for_function(_LIVE, timeout=_LATEST_S * 1000)
    except TooLate:
        return None
    wire.stopped_at = 0.0
    began = time.perf_counter()
    await page.evaluate(_PRESS)
    while not wire.stopped_at:
        if time.perf_counter() > began + _LATEST_S:
            return None
        await asyncio.sleep(0.002)
    return (wire.stopped_at - began) * 1000
