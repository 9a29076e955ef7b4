"""A person decides at the dashboard about what an agent wants."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from playwright.async_api import Page, expect

from robotq.api.access.keys import KeyFile

from .conftest import OpenPage, Site, StartSite
from .test_access import faults
from .test_path import lane

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

AGENT = {"X-Robotq-Agent": "mcp"}
TO_CHARGER = {"cmd_type": "NAVIGATION", "cmd_id": "TO_CHARGER", "params": {"area": "CHARGER"}}
TO_HOME = {"cmd_type": "NAVIGATION", "cmd_id": "TO_HOME", "params": {"area": "HOME"}}


async def start(start_site: StartSite, folder: Path, **changes: Any) -> Site:
    """A daemon whose agents have to ask before a robot drives."""
    specs = folder / "approval.yaml"
    text = "commands:\n  NAVIGATION: {approval: true}\n"
    await asyncio.to_thread(specs.write_text, text, "utf-8")
    return await start_site(**{"commands": [str(specs)], **changes})


async def ask(site: Site, command: Any) -> list[str]:
    """What an agent hands in; the ids of its tasks."""
    async with (
        ClientSession(headers=AGENT) as session,
        session.post(f"{site.url}/", json=command) as response,
    ):
        answer = await response.json()
        assert response.status == 200, answer
    return list(answer.get("task_ids") or [answer["task_id"]])


async def task(site: Site, task_id: str) -> dict[str, Any]:
    async with (
        ClientSession(headers={"Accept-Language": "en"}) as session,
        session.get(f"{site.url}/task/{task_id}") as response,
    ):
        return dict(await response.json())


def decisions(page: Page) -> Any:
    return page.locator(".notice", has_text="Waits for approval")


async def agree(page: Page, button: str = "Approve, go on at once") -> None:
    """Answer the question that comes after the button."""
    await page.locator("dialog.ask").get_by_role("button", name=button, exact=True).click()


async def test_approval__says_what_it_is_about_and_lets_it_run(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    site = await start(start_site, tmp_path)
    (task_id,) = await ask(site, TO_CHARGER)
    async with open_page(site) as screen:
        page = screen.page
        notice = decisions(page)
        for words in ("robot_a", "Go to a place", "area", "CHARGER", "TO_CHARGER", "by agent"):
            await expect(notice).to_contain_text(words)
        # an idle robot says what it waits for, and nobody promises a time
        await expect(lane(page).locator(".nothing-to-do")).to_have_text(
            "Waits for approval, see above"
        )
        await expect(lane(page).locator(".waiting .row")).not_to_contain_text("starts")
        await notice.get_by_role("button", name="Approve").click()
        await agree(page)
        await expect(notice).to_have_count(0)
        await expect(page.locator(".ended .row.completed")).to_contain_text("TO_CHARGER")
    assert (await task(site, task_id))["state"] == "completed"


@pytest.mark.long
async def test_rejection__asks_for_a_reason_that_the_agent_reads(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    site = await start(start_site, tmp_path)
    (task_id,) = await ask(site, TO_CHARGER)
    async with open_page(site, width=390, height=844, theme="dark") as screen:
        page = screen.page
        # a slip of the finger rejects nothing
        await decisions(page).get_by_role("button", name="Reject").click()
        await page.get_by_role("button", name="Cancel", exact=True).click()
        await expect(decisions(page)).to_have_count(1)
        await decisions(page).get_by_role("button", name="Reject").click()
        assert await faults(page) == []
        await page.get_by_label("Reason").fill("the charger is wet")
        await page.get_by_role("button", name="Reject", exact=True).click()
        await expect(decisions(page)).to_have_count(0)
        await expect(page.locator(".ended .row.cancelled")).to_contain_text("TO_CHARGER")
    ended = await task(site, task_id)
    assert (ended["state"], ended["error_code"]) == ("cancelled", "rejected")
    assert "the charger is wet" in ended["message"]


@pytest.mark.long
async def test_task_that_is_looked_at__is_decided_about_there(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    site = await start(start_site, tmp_path)
    await ask(site, TO_CHARGER)
    async with open_page(site) as screen:
        page = screen.page
        await decisions(page).get_by_role("link", name="Show").click()
        drawer = page.locator("#drawer")
        await expect(drawer).to_contain_text('"area": "CHARGER"')
        await drawer.get_by_role("button", name="Approve").click()
        await agree(page)
        await expect(drawer.locator(".pill")).to_have_text("Completed")
        await expect(drawer.get_by_role("button", name="Approve")).to_have_count(0)


@pytest.mark.long
async def test_batch__is_one_decision(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    site = await start(start_site, tmp_path)
    ids = await ask(site, [TO_CHARGER, TO_HOME])
    async with open_page(site, language="zh-CN") as screen:
        page = screen.page
        notice = page.locator(".notice", has_text="等待批准")
        await expect(notice).to_have_count(1)
        await expect(notice).to_contain_text("共 2 个命令")
        await notice.get_by_role("button", name="批准").click()
        await agree(page, "批准并立即继续")
        await expect(page.locator(".ended .row.completed")).to_have_count(2)
    assert {(await task(site, task_id))["state"] for task_id in ids} == {"completed"}


@pytest.mark.long
async def test_many_approvals__leave_room_for_the_robots(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    site = await start(start_site, tmp_path)
    for _ in range(10):
        await ask(site, TO_CHARGER)
    async with open_page(site) as screen:
        await ask(site, {**TO_HOME, "robot_id": "robot_b"})
        await expect(decisions(screen.page)).to_have_count(3)
        # no robot has to wait until all of another are decided about
        other = decisions(screen.page).filter(has_text="robot_b")
        await other.get_by_role("button", name="Approve").click()
        await agree(screen.page)
        await expect(other).to_have_count(0)
    async with open_page(site, width=390, height=844) as screen:
        page = screen.page
        await expect(decisions(page)).to_have_count(1)
        await expect(lane(page)).to_be_in_viewport()
        more = page.get_by_role("button", name="9 more wait for approval")
        await more.click()
        # what one look tells; the others come as soon as these are decided about
        await expect(decisions(page)).to_have_count(8)
        await expect(page.locator(".more-cards")).to_have_text("2 more wait for approval")
        await decisions(page).first.get_by_role("button", name="Approve").click()
        await agree(page)
        await expect(page.locator(".more-cards")).to_have_text("1 more wait for approval")
        await expect(decisions(page)).to_have_count(8)


@pytest.mark.long
async def test_key_without_the_right__sees_and_does_not_decide(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path / "data")
    key = await asyncio.to_thread(keys.new, "bench", ["read", "submit"])
    agents = await asyncio.to_thread(keys.new, "claude", ["read", "agent"])
    site = await start(start_site, tmp_path)
    async with (
        ClientSession(headers={"Authorization": f"Bearer {agents}"}) as session,
        session.post(f"{site.url}/", json=TO_CHARGER) as response,
    ):
        assert response.status == 200
    async with open_page(site) as screen:
        page = screen.page
        screen.expected = ("401 (Unauthorized)",)
        await page.locator("#login").get_by_label("Key").fill(key)
        await page.get_by_role("button", name="Use this key").click()
        await expect(decisions(page)).to_contain_text("by claude")
        await expect(decisions(page).get_by_role("button", name="Approve")).to_be_disabled()
        await expect(decisions(page).get_by_role("button", name="Reject")).to_be_disabled()
