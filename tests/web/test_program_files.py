"""A program of G-code on the page: dropped, tried, refused with its line, run, and run again from
one of its lines after a person has seen what that begins with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import expect

from robotq.config import Config, load_config
from robotq.testing.emulators import GrblEmulator
from tests.drivers.gcode.test_over_http import READY, plugged

from .conftest import OpenPage, Site
from .test_commands import CUT, _drop, accepted, task

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.wall("a browser, and an emulator on a thread of its own"),
]

SQUARE = "\n".join(  # noqa: FLY002 - a program is read line by line
    ["G21 G90", "G0 Z5", "G0 X0 Y0", "G1 Z-1 F600", "G1 X40", "G3 X40 Y30 I0 J15",
     "G1 X0", "Y0", "G0 Z5", "M30"]
)  # fmt: skip
REFUSED = "G21 G90\nG0 X1\nM201 X1000\nM30\n"


def _config(folder: Path, port: int = 0) -> Config:
    changes = {"data": str(folder / "data"), "port": port}
    given = load_config(READY / "grbl-gantry.yaml", {}, changes)
    robot = given.robots["gantry"]
    options = {name: value for name, value in robot.options.items() if name != "scanner"}
    options["port"] = f"{folder}/tty*"
    return replace(given, robots={"gantry": replace(robot, options=options, on_start="resume")})


async def test_program__from_the_file_to_the_first_motion_of_a_rerun(
    tmp_path: Path, open_page: OpenPage
) -> None:
    site = Site(lambda **more: _config(tmp_path, **more))
    machine = GrblEmulator(tmp_path / "ttyUSB0", homing=True, speed=100)
    async with plugged(machine):
        await site.start()
        try:
            async with open_page(site, width=1280) as screen:
                screen.expected = ("422",)
                page = screen.page
                await page.goto(page.url.partition("#")[0] + "#submit/HOME")
                await page.locator(".submit button.primary").click()
                await task(site, await accepted(page))

                await _drop(page, "bad.nc", REFUSED)
                await page.get_by_role("button", name="Only check it").click()
                refusal = page.locator(".refusal")
                await expect(refusal).to_contain_text("Line 3 is refused")
                await expect(refusal).to_contain_text("M201 X1000")
                await expect(refusal).to_contain_text("What would let it pass")

                await _drop(page, "part.nc", SQUARE)
                await expect(page.locator(".path canvas")).to_be_visible()
                await expect(page.locator(".path")).to_contain_text("X 0 … 55")
                await page.get_by_role("button", name="In space").click()
                await page.get_by_role("button", name="Only check it").click()
                dry = page.locator(".dry")
                await expect(dry).to_contain_text("X 0 to 55 mm")
                await expect(page.locator("pre[aria-label]")).to_contain_text("@part.nc")
                assert await page.evaluate(CUT) == []
                await page.locator(".submit button.primary").click()
                first = await accepted(page)
                assert (await task(site, first))["state"] == "completed"

                await page.goto(page.url.partition("#")[0] + f"#task/{first}")
                await page.get_by_role("button", name="Run again from a line").click()
                await page.locator("#rerun-line").fill("6")
                await page.get_by_role("button", name="Show what would run").click()
                # an arc depends on where it begins
                await expect(page.locator("dialog.ask .fault")).to_contain_text("line 6")
                await page.locator("#rerun-line").fill("7")
                moved = len(machine.axes.moved)
                await page.get_by_role("button", name="Show what would run").click()
                shown = page.locator("dialog.ask .rerun")
                await expect(shown).to_contain_text("G21")
                await expect(shown).to_contain_text("line 7: G1 X0")
                assert len(machine.axes.moved) == moved
                await page.get_by_role("button", name="Run it at once").click()
                await expect(page.locator("#messages")).to_contain_text("runs again")
                again = await page.locator("#messages a").get_attribute("href")
                assert again is not None
                ran = await task(site, again.removeprefix("#task/"))
                assert (ran["state"], ran["from_line"]) == ("completed", 7)
        finally:
            await site.stop()
