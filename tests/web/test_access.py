"""Everybody can read the page and use it without a mouse; nobody without a key where keys are."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from robotq.api.access.keys import KeyFile

from .conftest import OpenPage, StartSite
from .test_path import lane, submit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

GROWN = """() => Promise.allSettled(document.getAnimations()
    .filter((one) => one instanceof CSSTransition).map((one) => one.finished))"""
VIEWS = ("now", "submit", "history", "charts", "people", "workers", "log", "queue/robot_a")


async def faults(page: Page) -> list[str]:
    """What axe-core finds serious or worse on the page as it is."""
    if not await page.evaluate("'axe' in window"):
        source = files("axe_playwright_python").joinpath("axe.min.js")
        await page.evaluate(await asyncio.to_thread(source.read_text, "utf-8"))
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes'][:3]]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.long
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1920])
async def test_views__have_no_serious_fault(
    start_site: StartSite, open_page: OpenPage, theme: str, width: int
) -> None:
    site = await start_site(time_scale=1)
    async with open_page(site, theme=theme, width=width) as screen:
        page = screen.page
        await submit(page, "SCAN_QRCODE")
        await submit(page, "NAVIGATION", area="HOME")
        task_id = await submit(page, "MANUAL_STEP", Title="Close the hood")
        await page.get_by_role("button", name="Stop all robots").click()
        await expect(page.locator(".notice.bad")).to_contain_text("All robots are stopped")
        found: list[str] = []
        for view in VIEWS:
            await page.goto(f"{site.url}/dashboard#{view}")
            await expect(page.get_by_role("heading", level=1)).to_be_attached()
            found += [f"{view}: {fault}" for fault in await faults(page)]
        await page.goto(f"{site.url}/dashboard#task/{task_id}")
        await expect(page.locator("#drawer")).to_contain_text(task_id)
        found += [f"drawer: {fault}" for fault in await faults(page)]
        assert found == []


@pytest.mark.long
@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
async def test_bar__is_whole_on_every_screen(
    start_site: StartSite, open_page: OpenPage, language: str
) -> None:
    """Half of the last tab was cut off on a laptop, and the name stood in two lines."""
    site = await start_site()
    async with open_page(site, language=language) as screen:
        page = screen.page
        await expect(lane(page)).to_be_visible()
        cut = []
        for width in range(660, 1960, 40):
            await page.set_viewport_size({"width": width, "height": 900})
            # letters take a moment to get the size of another width
            await page.evaluate(GROWN)
            sizes = await page.evaluate(
                """() => ({
                  tabs: document.querySelector("nav").scrollWidth
                    - document.querySelector("nav").clientWidth,
                  page: document.documentElement.scrollWidth - innerWidth,
                  name: document.querySelector(".brand span").getClientRects().length - 1,
                  stop: document.querySelector("#estop span").getBoundingClientRect().height > 30,
                })"""
            )
            cut += [(width, sizes)] if any(int(size) > 0 for size in sizes.values()) else []
        assert cut == []


@pytest.mark.long
async def test_keyboard__is_enough_to_stop_and_to_submit(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site(time_scale=1)
    async with open_page(site) as screen:
        page = screen.page
        await expect(lane(page)).to_be_visible()
        await page.keyboard.press("Tab")
        await expect(page.locator("#estop")).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(page.locator(".skip")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        await page.get_by_role("link", name="New command").press("Enter")
        await page.locator("#submit-search").focus()
        await page.keyboard.type("Go to")
        await page.keyboard.press("Enter")
        await page.get_by_label("area").focus()
        await page.keyboard.type("CHARGER")
        await page.locator(".submit button.primary").press("Enter")
        await expect(page.locator(".submit .answer a")).to_be_visible()
        await page.get_by_role("button", name="Stop all robots").press("Space")
        await expect(page.locator(".notice.bad")).to_contain_text("All robots are stopped")


@pytest.mark.long
async def test_key__is_asked_for_and_kept_where_scripts_cannot_read_it(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path / "data")
    key = await asyncio.to_thread(keys.new, "wall", ["read", "submit"])
    site = await start_site()
    async with open_page(site) as screen:
        page = screen.page
        screen.expected = ("401 (Unauthorized)",)
        door = page.locator("#login")
        await expect(door).to_be_visible()
        await door.get_by_label("Key").fill("rq_of_somebody_else")
        await door.get_by_role("button", name="Use this key").click()
        await expect(door.get_by_role("alert")).to_contain_text("does not know this key")
        await page.keyboard.press("Escape")
        await expect(door).to_be_visible()
        await door.get_by_label("Key").fill(key)
        await door.get_by_role("button", name="Use this key").click()
        await expect(door).to_be_hidden()
        await expect(page.locator(".live")).to_have_text("Live")
        assert await page.evaluate("document.cookie") == ""
        kept = [cookie for cookie in await page.context.cookies() if cookie["value"] == key]
        assert [(cookie["httpOnly"], cookie["sameSite"]) for cookie in kept] == [(True, "Strict")]

        # what the key may not do cannot be pressed; a stop always can
        await submit(page, "MANUAL_STEP", Title="Close the hood")
        await expect(lane(page).get_by_role("button", name="Pause")).to_be_disabled()
        await expect(page.get_by_role("button", name="Stop all robots")).to_be_enabled()
        await page.reload()
        await expect(lane(page).locator(".pill")).to_have_text("Waits for you")

        await page.get_by_role("button", name="Signed in as wall").click()
        await expect(door).to_be_visible()
