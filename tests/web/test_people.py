"""What a person meets who has not read the docs: who is there, what is out of range or due, what
stands beside a robot, and the way to the wall and back."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import Route, expect

from .conftest import OpenPage, StartSite
from .test_access import faults
from .test_stop import call

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def test_person__says_once_who_is_there_and_sees_to_what_is_due(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site(
        **{
            "robots.robot_a.maintenance": {
                "rail_grease": {"counts": "commands", "every": 1, "text": "grease the rail"}
            },
            "robots.robot_a.values": {
                "battery": {"normal": [101, None], "alarm": True, "alarm_after_s": 0}
            },
            "robots.robot_a.on_failure": "hold",
            "robots.robot_a.options": {
                "faults": [{"command": "NAVIGATION", "nth": 1, "kind": "fail", "reason": "no way"}]
            },
            "robots.robot_b.options": {},
        }
    )
    home = {"cmd_type": "NAVIGATION", "cmd_id": "H1", "params": {"area": "HOME"}}
    await call(site, "POST", "/", home)
    async with open_page(site) as screen:
        page = screen.page
        await page.get_by_role("textbox", name="Who is there?").fill("Li, bench 2")
        await page.get_by_role("button", name="That is me").click()
        await expect(page.locator("#who")).to_be_hidden()
        # a notice says the command and how it ended, not the number of a task
        failed = page.locator(".notice", has_text="Stopped after a failure")
        await expect(failed).to_contain_text(
            "“Go to a place · HOME · H1” failed, and this robot stops after failures · "
            "The device reports: no way"
        )
        low = page.locator(".notice", has_text="A value is out of its range")
        await expect(low).to_contain_text("Battery: 100 % · too low; normal: from 101 %")
        lane = page.get_by_role("region", name="robot_a", exact=True)
        await expect(lane.locator(".beside")).to_contain_text("due: 1 of 1 commands")
        due = page.locator(".notice", has_text="Maintenance is due")
        await expect(due).to_contain_text("rail grease · grease the rail · due: 1 of 1 commands")
        assert await faults(page) == []
        await due.get_by_role("button", name="It is done").click()
        await page.get_by_role("dialog").get_by_role("button", name="It is done").click()
        await expect(due).to_have_count(0)
        await expect(lane.locator(".beside")).to_contain_text("0 of 1 commands")
        (item,) = (await call(site, "GET", "/maintenance"))["items"]
        assert item["done_by"] == "Li, bench 2"
        # the name is kept: nobody is asked again
        await page.reload()
        await expect(page.get_by_role("button", name="Li, bench 2")).to_be_visible()
        await expect(page.locator("#who")).to_be_hidden()

        async def with_devices(route: Route) -> None:
            answer = await route.fetch()
            look = await answer.json()
            look["robots"][0]["devices"] = {
                "laser": {"connected": False, "reason": "no such port", "safe_state": "sent"},
                "door_switch": {"connected": True, "reason": None, "safe_state": None},
            }
            await route.fulfill(response=answer, body=json.dumps(look))

        await page.route("**/dashboard/look", with_devices)
        await page.reload()
        beside = lane.locator(".beside li")
        await expect(beside.nth(0)).to_have_text(
            re.compile("laser.*not connected: no such port · safe state: sent")
        )
        await expect(beside.nth(1)).to_have_text(re.compile("door switch.*connected"))
        assert await faults(page) == []
        # a place of the picture is a way to send a robot there
        await page.locator('.pad[data-places="CHARGER"] .reach').click()
        await page.get_by_role("button", name="Send robot_b here").click()
        await expect(page.locator(".message", has_text="robot_b goes to CHARGER")).to_be_visible()
        await page.get_by_role("link", name="Wall").click()
        await expect(page.locator(".tile-word").first).to_have_text("Failed")
        await expect(page.locator(".tile-what").first).to_have_text(
            "Go to a place · HOME: The device reports: no way"
        )
        await page.keyboard.press("Escape")
        await expect(lane).to_be_visible()
