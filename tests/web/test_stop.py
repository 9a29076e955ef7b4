"""The stop leaves the browser, and whoever presses it is told when it did not."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Request, expect

from .conftest import OpenPage, Site, StartSite
from .test_access import faults
from .test_path import GONE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

LOG = logging.getLogger(__name__)
TABS = 7
"""A browser has six connections to an address."""
LIMIT_MS = 300
_PRESSED = """() => document.getElementById('estop').addEventListener(
    'click', () => { window.pressedAt = Date.now(); }, true)"""
_NO_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', {get: () => undefined});"
"""As in a page that came over plain HTTP from another machine."""


def _call(site: Site, method: str, path: str, body: Any = None) -> Any:
    data = json.dumps(body or {}).encode() if method == "POST" else None
    request = urllib.request.Request(f"{site.url}{path}", data, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


async def call(site: Site, method: str, path: str, body: Any = None) -> Any:
    return await asyncio.to_thread(_call, site, method, path, body)


async def holds(site: Site) -> list[str]:
    """Ids of all holds of all robots: what a confirmation names."""
    found = await call(site, "GET", "/dashboard/look")
    return [hold["id"] for robot in found["robots"] for hold in robot["holds"]]


async def stopped_at_ms(site: Site) -> int:
    """When the daemon had the stop, by its own journal."""
    state = await call(site, "GET", "/dashboard/look")
    return int(state["estop_holds"][0]["since_ms"])


@asynccontextmanager
async def seven_tabs(
    chromium: Browser, url: str, script: str = ""
) -> AsyncIterator[tuple[BrowserContext, list[Page], set[Request]]]:
    """Seven tabs and the streams that they have open."""
    context = await chromium.new_context(locale="en-US")
    streams: set[Request] = set()
    if script:
        await context.add_init_script(script)
    context.on("request", lambda one: streams.add(one) if "/events" in one.url else None)

    def over(request: Request) -> None:
        streams.discard(request)

    context.on("requestfinished", over)
    context.on("requestfailed", over)
    try:
        pages = []
        for _ in range(TABS):
            page = await context.new_page()
            await page.goto(f"{url}/dashboard")
            pages.append(page)
        for page in pages:
            await expect(page.locator(".live")).to_have_text("Live")
        yield context, pages, streams
    finally:
        await context.close()


async def press(site: Site, page: Page) -> int:
    """Press the stop; milliseconds from the press until the daemon had it."""
    await page.evaluate(_PRESSED)
    await page.locator("#estop").click()
    async with asyncio.timeout(5):
        while not (await call(site, "GET", "/estop"))["latched"]:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.02)
    took_ms = await stopped_at_ms(site) - int(await page.evaluate("window.pressedAt"))
    stops = [one["id"] for one in (await call(site, "GET", "/estop"))["holds"]]
    await call(site, "POST", "/estop/reset", {"holds": stops})
    await call(site, "POST", "/queue/resume", {"holds": await holds(site)})
    return took_ms


@pytest.mark.parametrize(
    "script",
    [pytest.param("", id="web-locks"), pytest.param(_NO_LOCKS, id="votes", marks=pytest.mark.long)],
)
async def test_stop__leaves_from_each_of_seven_tabs_and_from_a_second_window(
    start_site: StartSite, chromium: Browser, script: str
) -> None:
    site = await start_site(time_scale=1)
    async with seven_tabs(chromium, site.url, script) as (_context, pages, streams):
        assert len(streams) == 1  # for the whole browser
        async with pages[0].expect_popup() as opened:
            await pages[0].evaluate("open(location.href, '', 'popup,width=900,height=700')")
        window = await opened.value
        await expect(window.locator(".live")).to_have_text("Live")
        took_ms = [await press(site, page) for page in [*pages, window]]
        LOG.info("press to daemon, ms, seven tabs and a window: %s", took_ms)
        assert max(took_ms) < LIMIT_MS * max(1.0, os.getloadavg()[0] / 4)


@pytest.mark.long
async def test_stream__goes_to_another_tab_when_its_tab_is_closed(
    start_site: StartSite, chromium: Browser
) -> None:
    site = await start_site(time_scale=1)
    async with seven_tabs(chromium, site.url) as (_context, pages, streams):
        # whichever has it, it is closed at the latest as the sixth
        for page in pages[:-1]:
            await page.close()
        last = pages[-1]
        await expect(last.locator(".live")).to_have_text("Live")
        async with asyncio.timeout(10):
            while not any(one.frame.page is last for one in streams):  # noqa: ASYNC110 - a browser
                await asyncio.sleep(0.05)
        await call(site, "POST", "/queue/pause")
        await expect(last.locator(".notice")).to_contain_text("Paused")


@asynccontextmanager
async def silent_for_looks(site: Site) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A proxy before the daemon that, once its event is set, answers no look any more."""
    silent = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        daemon, back = await asyncio.open_connection("127.0.0.1", site.port)

        async def answers() -> None:
            while part := await daemon.read(65536):
                writer.write(part)
                await writer.drain()
            writer.close()

        task = asyncio.create_task(answers())
        try:
            while part := await reader.read(65536):
                if not (silent.is_set() and b"/dashboard/look" in part):
                    back.write(part)
                    await back.drain()
        except ConnectionError:
            pass  # the browser has given the request up: that is the story
        finally:
            back.close()
            task.cancel()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", silent
    finally:
        server.close()


@pytest.mark.long
async def test_stop__leaves_while_every_connection_waits_for_an_answer(
    start_site: StartSite, chromium: Browser
) -> None:
    site = await start_site(time_scale=1)
    async with (
        silent_for_looks(site) as (url, silent),
        seven_tabs(chromium, url) as (_context, pages, _streams),
    ):
        silent.set()
        for page in pages:
            # looks of seven tabs are under way by then, and the button says so
            await expect(page.locator("#estop")).to_have_class("dead")
        took_ms = [await press(site, page) for page in (pages[-1], pages[0])]
        LOG.info("press to daemon, ms, with looks that are never answered: %s", took_ms)
        assert max(took_ms) < LIMIT_MS * max(1.0, os.getloadavg()[0] / 4)


@pytest.mark.parametrize("width", [390, pytest.param(1920, marks=pytest.mark.long)])
async def test_stop__that_fails_fills_the_screen_until_it_is_read(
    start_site: StartSite, open_page: OpenPage, width: int
) -> None:
    site = await start_site(time_scale=1)
    async with open_page(
        site, width=width, language="zh-CN" if width == 390 else "en-US"
    ) as screen:
        page, chinese = screen.page, width == 390
        button = page.locator("#estop")
        await expect(button).to_have_text("停止所有机器人" if chinese else "Stop all robots")
        await expect(page.locator(".not-red")).to_be_visible()
        assert await faults(page) == []
        screen.expected = GONE
        await site.stop()
        # the button itself shows that it is dead, before what is shown is out of date
        dead = "无法联系：请使用机器上的红色按钮" if chinese else "No contact: use the red button"
        await expect(button).to_contain_text(dead)
        await expect(page.locator(".banner.stale")).to_be_hidden()
        await button.click()
        failed = page.get_by_role("alertdialog")
        await expect(failed).to_contain_text("停止没有送达" if chinese else "did NOT get through")
        box = await failed.bounding_box()
        assert box is not None
        assert (box["width"], box["height"]) == (width, 1080)
        await page.keyboard.press("Escape")
        await expect(failed).to_be_visible()
        assert await faults(page) == []
        await failed.get_by_role("button").last.click()
        await expect(failed).to_be_hidden()


async def test_stop__is_called_an_emergency_stop_where_the_site_says_so(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site(stop_label="emergency")
    async with open_page(site) as screen:
        await expect(screen.page.locator("#estop")).to_have_text("EMERGENCY STOP")
        await expect(screen.page.locator(".not-red")).to_be_visible()
        assert await faults(screen.page) == []
