"""Nothing is cut, nothing overlaps, everything can be read, in each state and on each screen.

The default run looks at a slice; `-m long` at all of it. `python -m tests.web.look.take FOLDER`
makes pictures of all.
"""

from __future__ import annotations

import asyncio
import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.web.conftest import OpenPage, StartSite

from .looking import WALL_PX, look_at, measured
from .states import STATES

WORDS = Path(__file__).parents[3] / "robotq/web/base/words_desk.js"
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


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
            if min(sizes) < WALL_PX:
                found.append(f"a state of {min(sizes)} px")
            wrong += [f"{number} robots: {one}" for one in found]
            if number in (9, 20):
                wrong += await _words_too_wide(page, language)
        await expect(page.locator(".wall-rest")).to_contain_text("10")
    assert wrong == []


async def _words_too_wide(page: Page, language: str) -> list[str]:
    """Which of all the words for a state goes over the edge of its tile."""
    source = await asyncio.to_thread(WORDS.read_text, "utf-8")
    found = re.findall(r'"face\.\w+": \["([^"]+)", "([^"]+)"\]', source)
    words = [pair[language == "zh-CN"] for pair in found]
    assert len(words) > 12
    return list(
        await page.evaluate(
            """words => words.filter(word => {
              const node = document.querySelector(".tile-word");
              const told = node.textContent;
              node.textContent = word;
              const edge = node.closest(".tile").getBoundingClientRect().right;
              const over = node.getBoundingClientRect().right > edge;
              node.textContent = told;
              return over;
            })""",
            words,
        )
    )


def _named(robot: dict[str, Any], number: int) -> dict[str, Any]:
    return {**copy.deepcopy(robot), "robot_id": f"robot_{number:02d}"}
