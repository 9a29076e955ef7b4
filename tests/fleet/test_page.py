"""The view of a hub: all daemons, what waits for one that is away, and a stop that stands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.drivers.jsonline.device import TcpPort
from tests.fleet.standby.test_take_over import NOD, device, drives, starts
from tests.web.conftest import running_browser

from .conftest import BY_HAND, HOME, Site, until

SHOTS = os.environ.get("FS_SHOTS")
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


@pytest.mark.real_time("a lease runs out by the clock of the wall")
@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
async def test_database_that_is_away__the_page_says_until_it_is_closed_that_the_other_may_not_know(
    site: Site, port: TcpPort, language: str
) -> None:
    cancel, sure, said, top = {
        "en-US": ("Cancel…", "Cancel the command", "Only this machine knows", "Move to the head"),
        "zh-CN": ("取消…", "取消命令", "只有本机知道", "移到队首"),
    }[language]
    one = await starts(site, "lab-1", port, "device")
    await until(lambda: drives(one))
    await one.post("/queue/pause", {"reason": "cleaning"})
    waits = [await one.submit(NOD, "robot_a") for _ in range(3)]
    async with running_browser() as browser:
        page = await browser.new_page(locale=language, viewport={"width": 390, "height": 800})
        page.set_default_timeout(20_000)
        told = page.locator(".message.bad", has_text=said)
        await page.goto(f"http://127.0.0.1:{one.port}/dashboard#task/{waits[0]}")
        await page.get_by_role("button", name=cancel).wait_for()
        site.proxy.stall()
        await page.get_by_role("button", name=cancel).click()
        await page.get_by_role("dialog").get_by_role("button", name=sure).click()
        await told.get_by_text("robot_a").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        if SHOTS:
            await page.screenshot(path=f"{SHOTS}/not-told-{language}.png")
        await told.get_by_role("button").click()
        await told.wait_for(state="detached")
        # what says nothing where all is well says it too
        await page.goto(f"http://127.0.0.1:{one.port}/dashboard#now")
        await page.get_by_role("button", name=top).last.click()
        await told.get_by_text("robot_a").wait_for()
        # no time takes it away
        await page.locator(".message:not(.bad)").last.wait_for(state="detached")
        assert await told.count() == 1
    site.proxy.mend()
    assert (await one.get(f"/task/{waits[0]}"))["state"] == "cancelled"
