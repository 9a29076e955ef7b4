"""A screen on the wall: read from three metres, signed in for good, and nothing to click but the
stop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import expect

from robotq.api.access.keys import KeyFile

from .conftest import OpenPage, StartSite
from .test_access import faults

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

TOUCHABLE = """() => [...document.querySelectorAll("a, button, input, select, [tabindex='0']")]
    .filter(one => one.checkVisibility() && !one.closest("[inert]")).map(one => one.id)"""


async def test_wall__with_a_key_that_can_only_read(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path / "data")
    key = await asyncio.to_thread(keys.new, "wall", ["read"])
    site = await start_site()
    async with open_page(site, "#wall") as screen:
        page = screen.page
        screen.expected = ("401 (Unauthorized)",)
        await page.locator("#key").fill(key)
        async with page.expect_response(
            lambda one: (
                one.request.method == "POST"
                and one.url.endswith("/dashboard/session")
                and "authorization" not in one.request.headers
            )
        ) as renewed:
            await page.get_by_role("button", name="Use this key").click()
        assert (await renewed.value).status == 200, "the wall renews its own session"
        tile = page.get_by_role("region", name="robot_a", exact=True)
        await expect(tile.locator(".tile-word")).to_have_text("Idle")
        assert await page.evaluate(TOUCHABLE) == ["estop"]
        assert await faults(page) == []
        await page.locator("#estop").click()
        await expect(tile.locator(".tile-word")).to_have_text("Stopped")
        await expect(page.locator(".wall-needs li")).to_have_attribute("data-priority", "high")
        await expect(page.locator(".wall-since")).to_contain_text("for ")
        # one reason holds all of them, and is said once, in the words above
        await expect(page.locator(".wall-reason")).to_contain_text("Emergency stop by")
        assert await page.locator(".tile").count() > 1
        await expect(page.locator(".wall").get_by_text("Emergency stop by")).to_have_count(1)
