"""Nothing is cut, nothing overlaps, everything can be read, in each state and on each screen.

The default run looks at a slice; `-m long` at all of it. `python -m tests.web.look.take FOLDER`
makes pictures of all.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from tests.web.conftest import OpenPage, StartSite

from .looking import WALL_PX, look_at, measured
from .states import STATES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

OF_TWENTY_PX = 40


async def test_question__can_be_read_on_a_wall_and_on_a_phone(
    start_site: StartSite, chromium: Browser
) -> None:
    state = STATES["question"]
    site = await start_site(**state.config)
    await state.make(site)
    wrong = await look_at(
        chromium,
        site,
        "question",
        state,
        widths=((1920, 1080), (390, 844)),
        themes=("dark",),
        languages=("zh-CN",),
    )
    assert wrong == []


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(STATES))
async def test_state__can_be_read_on_every_screen(
    start_site: StartSite, chromium: Browser, name: str
) -> None:
    state = STATES[name]
    site = await start_site(**state.config)
    await state.make(site)
    assert await look_at(chromium, site, name, state) == []


@pytest.mark.long
@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
async def test_wall__fits_one_to_twenty_robots_and_counts_the_rest(
    start_site: StartSite, open_page: OpenPage, language: str
) -> None:
    """The look of a real daemon, with one of its robots as often as it takes."""
    state = STATES["manual"]
    site = await start_site(**state.config)
    await state.make(site)
    number = 1

    async def multiply(route: Route) -> None:
        answer = await route.fetch()
        look = await answer.json()
        look["robots"] = [_named(look["robots"][one % 2], one) for one in range(number)]
        await route.fulfill(response=answer, body=json.dumps(look))

    wrong: list[str] = []
    async with open_page(site, language=language) as screen:
        page = screen.page
        await page.route("**/dashboard/look", multiply)
        await page.goto(f"{site.url}/dashboard#wall")
        for number in (*range(1, 21), 30):
            await expect(page.locator(".tile")).to_have_count(min(number, 20))
            found = await measured(page, "wall", 1920)
            sizes = await page.locator(".tile-word").evaluate_all(
                "all => all.map(one => parseFloat(getComputedStyle(one).fontSize))"
            )
            least = WALL_PX if number <= 8 else OF_TWENTY_PX
            if min(sizes) < least:
                found.append(f"a state of {min(sizes)} px")
            wrong += [f"{number} robots: {one}" for one in found]
        await expect(page.locator(".wall-rest")).to_contain_text("10")
    assert wrong == []


def _named(robot: dict[str, Any], number: int) -> dict[str, Any]:
    return {**copy.deepcopy(robot), "robot_id": f"robot_{number:02d}"}
