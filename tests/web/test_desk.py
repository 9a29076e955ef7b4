"""At the desk: what takes how many clicks, a cancel that is taken back, keys, and two people who
look at the same alarm."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from .conftest import OpenPage, Site, StartSite
from .test_access import faults
from .test_path import lane
from .test_select import HOME, fill, waiting
from .test_stop import call

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

_COUNTED = """() => {
  window.clicks = 0;
  window.scrolled = 0;
  addEventListener('click', () => { window.clicks += 1; }, true);
  addEventListener('wheel', () => { window.scrolled += 1; }, true);
}"""


async def clicks(page: Page) -> int:
    """Since they were asked for last."""
    counted: int = await page.evaluate("[clicks, window.clicks = 0][0]")
    assert await page.evaluate("scrolled") == 0
    return counted


async def queue_of(site: Site, robot: str) -> list[str]:
    found = await call(site, "GET", f"/dashboard/queue?robot_id={robot}&limit=200")
    return [line["cmd_id"] or line["about"] for line in found["tasks"]]


async def test_clicks__of_what_is_done_each_day(start_site: StartSite, open_page: OpenPage) -> None:
    site = await start_site()
    await fill(site, 200)
    async with open_page(site) as screen:
        page = screen.page
        card = lane(page)
        await expect(card.locator(".waiting .row").first).to_be_visible()
        await page.evaluate(_COUNTED)

        # number 150 to the head
        await card.locator(".find").click()
        await page.keyboard.type("drive-150")
        row = card.locator(".waiting .row")
        await expect(row).to_have_count(1)
        await row.get_by_role("button", name="Move to the head").click()
        await expect(row.locator(".position")).to_have_text("1")
        assert await clicks(page) == 2
        assert (await queue_of(site, "robot_a"))[0] == "drive-150"

        # robot_b home
        await call(site, "POST", "/queue/pause", {"robot_id": "robot_b"})
        other = lane(page, "robot_b")
        await other.get_by_role("button", name="Send to…").click()
        await other.get_by_role("menuitem", name="HOME").click()
        await expect(other.locator(".waiting .row")).to_have_count(1)
        assert await clicks(page) == 2

        # two hundred away, and back to where they stood
        before = await waiting(site)
        order = await queue_of(site, "robot_a")
        await card.locator(".find").fill("drive-")
        await expect(card.locator(".waiting .number")).to_have_text("203")
        await expect(row.first.locator(".title")).to_be_visible()
        await card.get_by_label("Select all").click()
        await card.get_by_role("button", name="Cancel selected…").click()
        await page.get_by_role("button", name="Cancel 200 commands").click()
        await expect(card.locator(".waiting .number")).to_have_text("3")
        assert await clicks(page) <= 4
        await page.get_by_role("button", name="Undo").click()
        await expect(page.locator("#messages")).to_contain_text("are back in their places")
        assert await queue_of(site, "robot_a") == order
        assert sorted(await waiting(site)) == sorted(before)
        assert await faults(page) == []

        await page.locator("#estop").click()
        await expect(page.locator(".notice.bad").first).to_contain_text("All robots are stopped")


async def test_alarm__that_somebody_has_seen_is_seen_by_everybody(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    await call(site, "POST", "/", {**HOME, "params": {"area": "HOME"}})
    async with open_page(site) as one, open_page(site) as other:
        await call(site, "POST", "/queue/pause", {"robot_id": "robot_b"})
        await call(site, "POST", "/estop", {"reason": "a bottle fell"})
        for page in (one.page, other.page):
            notices = page.locator(".notice")
            await expect(notices.first).to_contain_text("All robots are stopped")
            await expect(notices.first.locator(".priority").first).to_have_text("Urgent")
            await expect(notices.nth(1)).to_contain_text("robot_b: Paused")
        first: Any = one.page.locator(".notice").first
        await first.get_by_role("button", name="Seen").click()
        for page in (one.page, other.page):
            await expect(page.locator(".notice").first).to_contain_text("seen by anonymous")
        assert await faults(other.page) == []


async def test_keys__stop_by_one_that_is_held_and_find_without_the_mouse(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    await fill(site, 20)
    async with open_page(site) as screen:
        page = screen.page
        await expect(lane(page).locator(".waiting .row").first).to_be_visible()
        await page.keyboard.press("?")
        await expect(page.locator("dialog.ask")).to_contain_text("stop all robots")
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog.ask")).to_have_count(0)
        await page.keyboard.press("j")
        await expect(lane(page)).to_be_focused()
        await page.keyboard.press("j")
        await expect(lane(page, "robot_b")).to_be_focused()
        await page.keyboard.press("k")
        await expect(lane(page)).to_be_focused()
        await page.keyboard.press("/")
        await expect(lane(page).locator(".find")).to_be_focused()
        # what is typed is a word, whatever its letters are
        await page.keyboard.down("s")
        await expect(page.locator("#hold-stop")).to_be_hidden()
        await page.keyboard.up("s")
        await page.locator("main h1").first.evaluate("() => document.activeElement.blur()")
        await page.keyboard.press("s")
        assert not (await call(site, "GET", "/estop"))["latched"], "a short press stops nothing"
        await page.keyboard.down("s")
        await expect(page.locator("#hold-stop")).to_be_visible()
        await expect(page.locator(".notice.bad").first).to_contain_text("All robots are stopped")
        await page.keyboard.up("s")
        await page.keyboard.press("n")
        await expect(page.locator("#submit-search")).to_be_visible()
