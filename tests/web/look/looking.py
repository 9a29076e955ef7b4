"""Opens the page in a state, on each screen, and says what is wrong with what is drawn."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.web.conftest import Site
from tests.web.test_access import faults

from .states import LANGUAGES, THEMES, VIEWS, WIDTHS, State

MEASURE = Path(__file__).with_name("measure.js")
WALL_PX = 72
"""Of the word for a state, at 1920 and up to twenty robots."""
_CHINESE = re.compile("[\u4e00-\u9fff]")


async def look_at(
    browser: Browser,
    site: Site,
    name: str,
    state: State,
    *,
    widths: Sequence[tuple[int, int]] = WIDTHS,
    themes: Sequence[str] = THEMES,
    languages: Sequence[str] = LANGUAGES,
    views: Sequence[str] = VIEWS,
    pictures: Path | None = None,
) -> list[str]:
    """What is wrong, each with where it was seen. `state` is there; one that is `gone` goes away
    as soon as the pages are open."""
    pages = [
        (f"{name} {theme} {language}", theme, language)
        for theme, language in product(themes, languages)
    ]
    wrong: list[str] = []
    contexts = []
    try:
        for seen, theme, language in pages:
            context = await browser.new_context(
                viewport={"width": 1920, "height": 1080},
                color_scheme=theme,  # type: ignore[arg-type]
                locale=language,
                reduced_motion="reduce",
            )
            contexts.append((seen, context, await context.new_page()))
            await contexts[-1][2].goto(f"{site.url}/dashboard#{views[0]}")
            await expect(contexts[-1][2].locator("main h1")).to_be_attached()
        if state.gone:
            await site.stop()
        for seen, _, page in contexts:
            for view in views:
                await page.evaluate("view => { location.hash = view; }", view)
                await _reached(page, view, state, english="en" in seen.split()[-1])
                for width, height in widths:
                    await page.set_viewport_size({"width": width, "height": height})
                    where = f"{seen} {view} {width}"
                    wrong += [f"{where}: {one}" for one in await measured(page, view, width)]
                    if width in (1920, 390):
                        wrong += [f"{where}: {one}" for one in await faults(page)]
                    if pictures is not None:
                        file = f"{where.replace(' ', '_')}.png"
                        await page.screenshot(path=pictures / file)
                await page.set_viewport_size({"width": 1920, "height": 1080})
    finally:
        for _, context, _ in contexts:
            await context.close()
    return wrong


async def measured(page: Page, view: str, width: int) -> list[str]:
    """By the boxes of the page as it is."""
    source = await asyncio.to_thread(MEASURE.read_text, "utf-8")
    # a ResizeObserver has had its turn, and tiles have left out what has no room
    await page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 150)))"
    )
    found: dict[str, Any] = await page.evaluate(source)
    return [*found["wrong"], *_small(found["sizes"], view, width)]


def _small(sizes: Sequence[int], view: str, width: int) -> Iterator[str]:
    if view == "wall" and width == 1920 and sizes and min(sizes) < WALL_PX:
        yield f"a state of {min(sizes)} px"


async def _reached(page: Page, view: str, state: State, *, english: bool) -> None:
    if state.gone:
        await expect(page.locator(".banner.stale")).to_be_visible(timeout=20_000)
    if view == "wall":
        word = page.locator(".tile-word").first
        await expect(word).to_have_text(state.face if english else _CHINESE)
    else:
        await expect(page.locator(".lane").first).to_be_visible()
