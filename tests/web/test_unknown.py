"""What the page has not heard yet is not told as if there were none of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from robotq.config import packaged

from .conftest import OpenPage, StartSite

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

_WEB = Path(packaged("lab.yaml")).parents[1] / "web" / "base"
_NONE = re.compile(r'"[\w.]+\.none": \["([^"]+)"')
_PAGE = re.compile(r"\.(js|css|svg)$|/dashboard$")
"""The page itself."""
_LOOK = re.compile(r"/dashboard/(look|session)|/commands$")
_VIEWS = ("people", "workers", "history", "charts", "log", "submit")


def words_for_none() -> set[str]:
    """Every text that says that there is nothing of something."""
    files = sorted(_WEB.glob("words*.js"))
    return {text for file in files for text in _NONE.findall(file.read_text(encoding="utf-8"))}


_PAINTED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@asynccontextmanager
async def answered_only(page: Page, *asked: re.Pattern[str]) -> AsyncIterator[None]:
    """The page comes anew, and of what it asks for only that; all else is neither answered nor
    refused before the end."""
    over = asyncio.Event()

    async def keep_waiting(route: Route) -> None:
        await over.wait()
        await route.continue_()

    await page.route(lambda url: not any(one.search(url) for one in asked), keep_waiting)
    await page.reload()
    yield
    over.set()
    await page.unroute_all(behavior="wait")


async def said(page: Page) -> set[str]:
    told: list[str] = await page.locator("p:visible").all_inner_texts()
    return {text.strip() for text in told} & words_for_none()


async def test_nothing_is_known_yet__no_view_says_that_there_is_nothing(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    assert len(words_for_none()) > 10
    async with open_page(site) as screen, answered_only(screen.page, _PAGE):
        await expect(screen.page.get_by_text("Connecting…")).to_be_visible()
        assert await said(screen.page) == set()


async def test_only_the_look_has_come__no_view_says_that_there_is_nothing(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    async with open_page(site) as screen, answered_only(screen.page, _PAGE, _LOOK):
        page = screen.page
        await expect(page.locator(".lane").first).to_be_visible()
        for view in _VIEWS:
            await page.evaluate(f"location.hash = '#{view}'")
            await expect(page.locator("h1:visible").first).to_be_visible()
            await page.evaluate(_PAINTED)
            assert (view, await said(page)) == (view, set())


async def test_store_cannot_be_read__the_checklist_says_so_and_not_that_nothing_is_open(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    async with open_page(site) as screen:
        page = screen.page
        screen.expected = ("503",)

        async def fail(route: Route) -> None:
            await route.fulfill(
                status=503, json={"success": False, "error": "the disk cannot be read"}
            )

        await page.route(re.compile("/apis/checklist/"), fail)
        await page.evaluate("location.hash = '#people'")
        await expect(page.locator("p.fault:visible")).not_to_have_text("")
        assert await said(page) == set()
        await page.unroute_all(behavior="ignoreErrors")
        await expect(page.get_by_text("Nothing to tick off.")).to_be_visible()
