"""The page that shows the interfaces, in a browser."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from robotq.api.app import ROBOT
from robotq.api.interfaces import INTERFACES

from .conftest import OpenPage, StartSite
from .test_access import faults

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def test_docs__show_every_interface_from_one_page(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    async with open_page(site) as screen:
        page = screen.page
        await page.goto(f"{site.url}/docs")
        choice = page.get_by_role("navigation", name="Interfaces")
        for interface in (*INTERFACES, ROBOT):
            await choice.get_by_role("link", name=interface.name.replace("_", " ")).click()
            await expect(page).to_have_url(f"{site.url}{interface.prefix}/docs")
            await expect(page.locator("#title")).to_contain_text(interface.about.title)
            routes = [route for route in interface.routes if not route.websocket]
            await expect(page.locator(".operation")).to_have_count(len(routes))
            opening = "for (const each of document.querySelectorAll('.operation')) each.open = true"
            await page.evaluate(opening)
            await expect(page.locator(".operation form")).to_have_count(len(routes))
        await page.go_back()
        await expect(page.locator("#title")).to_contain_text("dispatcher")
        assert await faults(page) == []


async def test_docs__try_an_interface_where_it_stands(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    async with open_page(site) as screen:
        page = screen.page
        await page.goto(f"{site.url}/apis/orchestrator/docs#get_health")
        health = page.locator("#get_health")
        await health.get_by_role("button", name="Send").click()
        await expect(health.locator("pre").last).to_contain_text("200 OK")
        curl = health.locator("pre").first
        await expect(curl).to_have_text(f"curl '{site.url}/apis/orchestrator/health'")
