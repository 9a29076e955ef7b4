"""The view of a hub: all daemons, what waits for one that is away, and a stop that stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.drivers.jsonline.device import TcpPort
from tests.web.conftest import running_browser

from .conftest import BY_HAND, HOME, Site, until
from .test_take_over import device, drives, starts

pytestmark = [
    pytest.mark.long,
    pytest.mark.wall("daemons, a database and a browser"),
]


async def test_hub__shows_all_of_the_fleet_and_resets_its_stop(site: Site) -> None:
    hub = await site.start("hub", hub=True)
    lab = await site.start("lab-1", "robot_a")
    gone = await site.start("lab-2", "robot_b")

    async def all_known() -> bool:
        return len((await hub.get("/fleet"))["daemons"]) == 3

    await until(all_known)
    await lab.submit(BY_HAND, "robot_a")
    await gone.stop()
    waits = await hub.submit(HOME, "robot_b")
    async with running_browser() as browser:
        page = await browser.new_page(locale="en-US", viewport={"width": 390, "height": 800})
        page.set_default_timeout(20_000)
        await page.goto(f"http://127.0.0.1:{hub.port}/dashboard")
        await page.get_by_role("heading", name="All daemons of the fleet").wait_for()
        await page.locator("section", has_text="lab-1").get_by_text("Manual", exact=True).wait_for()
        await page.locator("section", has_text="lab-2").get_by_text("away").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.get_by_text("lab-2 is away").wait_for()
        await page.get_by_role("button", name="Cancel").click()
        await page.get_by_text("lab-2 is away").wait_for(state="detached")
        assert (await hub.get(f"/task/{waits}"))["state"] == "cancelled"

        await hub.ask("POST", "/estop", {"reason": "smoke"})
        await page.get_by_text("smoke").wait_for()
        await page.get_by_role("button", name="Reset at every daemon").click()
        await page.get_by_role("dialog").get_by_role("button", name="Reset").click()
        await page.get_by_text("smoke").wait_for(state="detached")
    assert not (await lab.get("/estop"))["latched"]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[TcpPort]:
    """Of a robot in the network."""
    with device(tmp_path / "device") as (found, _):
        yield found


@pytest.mark.real_time("a lease runs out by the clock of the wall")
async def test_robot_that_nothing_fences__is_driven_from_here_when_a_person_has_looked(
    site: Site, port: TcpPort
) -> None:
    one = await starts(site, "lab-1", port, "none")
    await until(lambda: drives(one))
    two = await starts(site, "lab-2", port, "none")
    async with running_browser() as browser:
        page = await browser.new_page(locale="zh-CN", viewport={"width": 390, "height": 800})
        page.set_default_timeout(30_000)
        await page.goto(f"http://127.0.0.1:{two.port}/dashboard#fleet")
        await page.get_by_role("heading", name="集群中的所有守护进程").wait_for()
        assert await page.get_by_role("button", name="由本机控制").count() == 0
        await one.stop()
        ask = page.get_by_role("button", name="由本机控制")
        await ask.click()
        sure = page.get_by_role("dialog")
        await sure.get_by_text("robot_a").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        # who only presses Enter has said nothing
        await page.keyboard.press("Enter")
        await sure.wait_for(state="detached")
        assert not await drives(two)
        await ask.click()
        await sure.get_by_role("button", name="已断电").click()
        await ask.wait_for(state="detached")
    await until(lambda: drives(two))
    kinds = [event["kind"] for event in (await two.get("/journal"))["events"]]
    assert "robot.old_machine_is_off" in kinds
