"""The buttons that move a robot while they are held, in a real Chromium, at an emulated gantry and
an emulated arm: whatever becomes of the page, the robot stands within half a second, and its queue
stays paused. The device says when its axes have moved last."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from robotq.model.hold import HoldCode
from tests.drivers.gcode.links.test_jog_over_http import Bench, paused

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.asyncio(loop_scope="package"),
]

STANDS_S = 0.5
_HIDDEN = """() => {
  Object.defineProperty(document, "visibilityState", {value: "hidden", configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def _let_go(page: Page) -> None:
    await page.mouse.up()


async def _leave(page: Page) -> None:
    await page.mouse.move(2, 2)


async def _hide(page: Page) -> None:
    await page.evaluate(_HIDDEN)


async def _look_away(page: Page) -> None:
    await page.evaluate("() => window.dispatchEvent(new Event('blur'))")


async def _stand_still(page: Page) -> None:
    """Its script is busy: what comes is not answered."""
    busy = "() => { setTimeout(() => { const t = Date.now(); while (Date.now() - t < 1500); }) }"
    await page.evaluate(busy)


async def _close(page: Page) -> None:
    await page.close()


WAYS: dict[str, Callable[[Page], Awaitable[None]]] = {
    "let go": _let_go,
    "leave": _leave,
    "hide": _hide,
    "look away": _look_away,
    "stand still": _stand_still,
    "close": _close,
}


async def _moving(bench: Bench, page: Page) -> None:
    """Press; again where a busy machine has kept the page waiting, so that it has let go."""
    async with asyncio.timeout(40):
        while True:
            before = await asyncio.to_thread(bench.gone_mm)
            await page.mouse.down()
            for _ in range(100):
                await asyncio.sleep(0.02)
                if await asyncio.to_thread(bench.gone_mm) - before >= 1:
                    return
            await page.mouse.up()


@asynccontextmanager
async def _held(bench: Bench, chromium: Browser) -> AsyncIterator[Page]:
    context = await chromium.new_context(locale="en-GB")
    page = await context.new_page()
    await page.goto(str(bench.lab.client.make_url("/dashboard")))
    await page.locator("details summary", has_text="Move by hand").click()
    button = page.locator("button.jog", has_text="X +")
    await button.hover()
    await _moving(bench, page)
    try:
        yield page
    finally:
        await context.close()


@pytest.mark.parametrize("name", ["grbl-gantry", "marlin-arm"])
@pytest.mark.parametrize("way", WAYS)
async def test_button__in_a_page_that_is_left_in_whatever_way(
    name: str, way: str, chromium: Browser, tmp_path: Path
) -> None:
    async with paused(name, tmp_path) as bench, _held(bench, chromium) as page:
        await asyncio.sleep(random.Random(way).uniform(0, 0.3))
        await WAYS[way](page)
        left = bench.machine.now()
        await bench.lab.until(lambda: HoldCode.JOGGING not in bench.lab.holds(bench.robot))
        await asyncio.to_thread(bench.gone_mm)
        assert bench.machine.axes.last_step <= left + STANDS_S
        assert bench.lab.holds(bench.robot) == {HoldCode.PAUSED}


@pytest.mark.parametrize("name", ["grbl-gantry", "marlin-arm"])
async def test_raw_line__is_sent_from_the_card_and_its_answer_shown(
    name: str, chromium: Browser, tmp_path: Path
) -> None:
    async with paused(name, tmp_path) as bench:
        context = await chromium.new_context(locale="en-GB")
        page = await context.new_page()
        try:
            await page.goto(str(bench.lab.client.make_url("/dashboard")))
            await page.locator("details summary", has_text="Raw line").click()
            await page.locator("details.raw input").fill("G1 X5 F6000")
            await page.keyboard.press("Enter")
            says = page.locator("details.raw [role=status]")
            await expect(says).to_contain_text("> G1 X5 F6000")
            await expect(says).to_contain_text("home it")
            assert bench.machine.axes.position[0] == pytest.approx(5)
            await page.locator("details.raw input").fill("G777")
            await page.keyboard.press("Enter")
            await expect(says).to_contain_text("has refused it")
            assert bench.lab.holds(bench.robot) == {HoldCode.PAUSED}
        finally:
            await context.close()
