"""What robots measure, on their cards; and a browser that calls somebody."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from .conftest import OpenPage, StartSite
from .test_access import faults

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

CUT = """() => [...document.querySelectorAll(".value-open > span, .value-open > strong")]
    .filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)"""


async def test_values__stand_in_their_range_and_are_old_where_nobody_knows_them(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site(
        **{
            "robots.robot_a.values": {"battery": {"normal": [100.5, None], "alarm": True}},
            "robots.robot_b.values": {"battery": {"stale_s": 0.001}},
        }
    )
    for width, language in ((1280, "en-US"), (390, "zh-CN")):
        async with open_page(site, width=width, language=language) as screen:
            page = screen.page
            lane = page.get_by_role("region", name="robot_a", exact=True)
            battery = lane.locator(".value").first
            await expect(battery).to_have_attribute("data-state", "low")
            await expect(battery.locator(".value-word")).to_have_text(re.compile("too low|过低"))
            # without a range there is no bar
            await expect(lane.locator(".value-bar:visible")).to_have_count(1)
            await battery.locator(".value-open").click()
            await expect(battery.locator(".value-plot svg")).to_be_visible()
            await expect(battery.locator(".value-plot .value-line")).to_have_attribute(
                "d", re.compile("M")
            )
            assert await page.evaluate(CUT) == []
            assert await faults(page) == []
            old = page.get_by_role("region", name="robot_b", exact=True).locator(".value").first
            await expect(old).to_have_attribute("data-state", "stale")
            await expect(old.locator(".value-word")).to_have_text(re.compile("^old: |^已过期"))


async def test_bell__calls_until_somebody_has_acknowledged(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    async with open_page(site) as screen:
        page = screen.page
        root = page.locator("html")
        bell = page.get_by_role("button", name=re.compile("This browser calls"))
        await expect(bell).to_have_attribute("aria-pressed", "false")
        await page.request.post(f"{site.url}/estop", data={"reason": "smoke"})
        await expect(page.get_by_role("heading", name="All robots are stopped")).to_be_visible()
        # nobody has asked this browser to
        assert await root.get_attribute("data-calling") is None
        await bell.click()
        await expect(bell).to_have_attribute("aria-pressed", "true")
        await expect(root).to_have_attribute("data-calling", "high")
        await expect(root).to_have_attribute("data-sounded", re.compile(r"[2-9]"))
        (alarm,) = (await (await page.request.get(f"{site.url}/alarms")).json())["alarms"]
        await page.request.post(f"{site.url}/alarms/{alarm['id']}/acknowledge", data={})
        await expect(root).not_to_have_attribute("data-calling", "high")
        # the stop itself is as it was
        assert (await (await page.request.get(f"{site.url}/estop")).json())["latched"]
