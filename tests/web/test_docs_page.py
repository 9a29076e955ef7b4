"""The page that shows the interfaces, in a browser."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, expect

from robotq.api.interfaces import INTERFACES
from robotq.api.root import ROBOT

from .conftest import OpenPage, StartSite

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


SLOW_MS = 60_000
"""The page has a megabyte of script to read, on a machine that may have other things to do."""


async def opened(page: Page, url: str) -> list[str]:
    """Open the page, and return what its console tells from then on, and what is asked of
    others: a breach of the policy is told there."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: heard.append(str(error)))
    origin = "/".join(url.split("/")[:3])
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((origin, "data:"))
            else heard.append(f"from elsewhere: {request.url}")
        ),
    )
    await page.goto(url, timeout=SLOW_MS)
    await expect(page.locator(".opblock").first).to_be_visible(timeout=SLOW_MS)
    return heard


@pytest.mark.parametrize("shown", [2, pytest.param(None, marks=pytest.mark.long)])
async def test_docs__show_every_interface_from_one_page(
    start_site: StartSite, open_page: OpenPage, shown: int | None
) -> None:
    """`shown`: how many are opened; by default the two shortest, since a page of all routes takes
    seconds to draw. All are there to be chosen."""
    site = await start_site()
    interfaces = sorted((*INTERFACES, ROBOT), key=lambda one: len(one.routes))[:shown]
    async with open_page(site) as screen:
        page = screen.page
        first, *_ = interfaces
        heard = await opened(page, f"{site.url}{first.prefix}/docs")
        choice = page.get_by_role("navigation", name="Interfaces")
        title = page.locator(".info .title")
        for interface in (*INTERFACES, ROBOT):
            link = choice.get_by_role("link", name=interface.name.replace("_", " "))
            await expect(link).to_be_visible()
        for interface in reversed(interfaces):
            # its modules may not have been read by this process, and reading blocks
            await asyncio.to_thread(interface.load)
            await choice.get_by_role("link", name=interface.name.replace("_", " ")).click()
            await expect(page).to_have_url(f"{site.url}{interface.prefix}/docs")
            await expect(title).to_contain_text(interface.about.title, timeout=SLOW_MS)
            routes = [route for route in interface.routes if not route.websocket]
            await expect(page.locator(".opblock")).to_have_count(len(routes), timeout=SLOW_MS)
        await page.go_back()
        before = interfaces[1]
        await expect(page).to_have_url(f"{site.url}{before.prefix}/docs")
        await expect(title).to_contain_text(before.about.title, timeout=SLOW_MS)
        assert heard == []


async def test_docs__try_an_interface_where_it_stands(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    async with open_page(site) as screen:
        page = screen.page
        heard = await opened(page, f"{site.url}/apis/orchestrator/docs")
        health = page.locator("[id$=-get_health]")
        await health.locator(".opblock-summary-control").click(timeout=SLOW_MS)
        await health.get_by_role("button", name="Execute").click(timeout=SLOW_MS)
        await expect(health.locator(".live-responses-table")).to_contain_text(
            "200", timeout=SLOW_MS
        )
        await expect(health.locator(".curl-command")).to_contain_text(
            f"{site.url}/apis/orchestrator/health"
        )
        assert heard == []


@pytest.mark.long
async def test_docs__take_a_command_and_tell_its_task(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    async with open_page(site) as screen:
        page = screen.page
        heard = await opened(page, f"{site.url}/docs")
        submit = page.locator("[id$=-post_root]")
        await submit.locator(".opblock-summary-control").click(timeout=SLOW_MS)
        body = '{"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}'
        await submit.locator("textarea.body-param__text").fill(body, timeout=SLOW_MS)
        await submit.get_by_role("button", name="Execute").click(timeout=SLOW_MS)
        await expect(submit.locator(".live-responses-table")).to_contain_text(
            "task_", timeout=SLOW_MS
        )
        assert heard == []
