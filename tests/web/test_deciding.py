"""Two people, one robot: a question at the page is about what was seen, and ends when that does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.async_api import Page, expect

from robotq.config import packaged

from .conftest import OpenPage, Site, StartSite
from .test_access import faults
from .test_approval import TO_CHARGER, agree, ask, decisions, task
from .test_path import lane
from .test_stop import call

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

BROKEN = {
    "robots.robot_a.options": {"faults": [{"command": "NAVIGATION", "nth": 1, "kind": "raise"}]},
    "robots.robot_b.options": {},
}
"""Nobody knows how the first drive of robot_a ends."""


def drive(area: str, **more: Any) -> dict[str, Any]:
    return {"cmd_type": "NAVIGATION", "params": {"area": area}, **more}


async def submit(site: Site, command: dict[str, Any]) -> str:
    return str((await call(site, "POST", "/", command))["task_id"])


def dialog(page: Page) -> Any:
    return page.locator("dialog.ask")


async def lost(site: Site) -> str:
    """A command of which nobody knows how it ended."""
    task_id = await submit(site, drive("CHARGER"))
    await call(site, "GET", f"/task/{task_id}?wait=20")
    return task_id


async def test_second_stop__closes_the_question_of_the_first_and_nothing_is_reset(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site(time_scale=1)
    async with open_page(site) as screen:
        page = screen.page
        await call(site, "POST", "/estop", {"reason": "bottle fell"})
        notice = page.locator(".notice.bad").first
        await notice.get_by_role("button", name="Reset the stop…").click()
        await expect(dialog(page)).to_contain_text("bottle fell")
        await call(site, "POST", "/estop", {"reason": "a person in the cell"})
        await expect(dialog(page)).to_have_count(0)
        await expect(page.locator("#messages")).to_contain_text("a newer stop has come")
        assert (await call(site, "GET", "/estop"))["latched"]
        # who looks again sees the newer one, and that is what is reset
        await notice.get_by_role("button", name="Reset the stop…").click()
        await expect(dialog(page)).to_contain_text("a person in the cell")
        await dialog(page).get_by_role("button", name="It is safe: reset").click()
        await expect(page.locator(".notice", has_text="Paused")).to_be_visible()
        assert not (await call(site, "GET", "/estop"))["latched"]


@pytest.mark.parametrize(
    "screen_of",
    [
        pytest.param({}, id="wall"),
        pytest.param(
            {"width": 390, "height": 844, "theme": "dark"}, id="phone", marks=pytest.mark.long
        ),
    ],
)
async def test_it_was_done__tells_what_starts_stays_paused_and_is_kept(
    start_site: StartSite, open_page: OpenPage, screen_of: dict[str, Any]
) -> None:
    site = await start_site(**BROKEN)
    async with open_page(site, **screen_of) as screen:
        page = screen.page
        task_id = await lost(site)
        waiting = await submit(site, drive("HOME", cmd_id="after"))
        notice = page.locator(".notice", has_text="How did it end?")
        await notice.get_by_role("button", name="It was done").click()
        await expect(dialog(page).locator(".starts")).to_contain_text("robot_a: Go to a place")
        # the safe answer has the focus: Enter alone starts nothing
        await expect(page.get_by_role("button", name="Stay paused")).to_be_focused()
        assert await faults(page) == []
        await dialog(page).get_by_label("Note").fill("it stands at the charger")
        await page.get_by_role("button", name="Stay paused").press("Enter")
        await expect(notice).to_have_count(0)
        await expect(page.locator("#messages")).to_contain_text("The queue stays paused; next is")
        assert (await task(site, waiting))["state"] == "pending"

        # who, when, what and why is on the page of the task
        await page.goto(f"{site.url}/dashboard#task/{task_id}")
        resolved = page.locator("#drawer .facts > div", has_text="Resolved")
        for words in ("Completed", "by anonymous", ":", "it stands at the charger"):
            await expect(resolved).to_contain_text(words)
        await page.keyboard.press("Escape")

        paused = page.locator(".notice", has_text="robot_a: Paused")
        await paused.get_by_role("button", name="Resume").click()
        await dialog(page).get_by_role("button", name="Go on at once").click()
        await expect(page.locator(".ended .row.completed")).to_contain_text("after")


async def test_two_people_one_question__the_slower_one_is_told(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site(**BROKEN)
    await lost(site)
    async with open_page(site) as anns, open_page(site) as bens:
        for page in (anns.page, bens.page):
            notice = page.locator(".notice", has_text="How did it end?")
            await notice.get_by_role("button", name="Run it again…").click()
            await expect(dialog(page)).to_be_visible()
        await dialog(anns.page).get_by_role("button", name="Run it at once").click()
        await expect(dialog(bens.page)).to_have_count(0)
        await expect(bens.page.locator("#messages")).to_contain_text("it was resolved already")
        await expect(bens.page.locator(".ended .row.completed")).to_have_count(1)
    found = await call(site, "GET", "/tasks?cmd_type=NAVIGATION")
    assert found["count"] == 2


async def test_pause_that_comes_while_somebody_resumes__is_not_lifted(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    await call(site, "POST", "/queue/pause", {"robot_id": "robot_a", "reason": "cleaning"})
    async with open_page(site) as screen:
        page = screen.page
        await lane(page).get_by_role("button", name="Resume queue").click()
        await expect(dialog(page)).to_contain_text("cleaning")
        await call(site, "POST", "/queue/pause", {"robot_id": "robot_a"})
        await expect(dialog(page)).to_have_count(0)
        await expect(page.locator("#messages")).to_contain_text("a newer hold has come")
        status = await call(site, "GET", "/queue/status?robot_id=robot_a")
        assert [hold["code"] for hold in status["holds"]] == ["paused"]


@pytest.mark.long
async def test_stop_while_somebody_lets_a_queue_go_on__closes_that_question_too(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    await call(site, "POST", "/queue/pause", {"robot_id": "robot_a", "reason": "cleaning"})
    async with open_page(site) as screen:
        page = screen.page
        await lane(page).get_by_role("button", name="Resume queue").click()
        await call(site, "POST", "/estop", {"reason": "a person in the cell"})
        await expect(dialog(page)).to_have_count(0)
        await expect(page.locator("#messages")).to_contain_text("a newer stop has come")
        status = await call(site, "GET", "/queue/status?robot_id=robot_a")
        assert {hold["code"] for hold in status["holds"]} == {"paused", "estop"}


async def test_held_motion__is_shown_with_who_and_since_and_let_go_by_a_button(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site(time_scale=1)
    async with open_page(site) as screen:
        page = screen.page
        running = await submit(site, {"cmd_type": "SCAN_QRCODE", "params": {}})
        await expect(lane(page).locator(".pill")).to_have_text("Working")
        await call(site, "POST", "/robots/robot_a/hold")
        notice = page.locator(".notice", has_text="The motion is held")
        await expect(notice).to_contain_text("anonymous")
        await expect(notice).to_contain_text("since")
        await expect(lane(page).locator(".times")).to_contain_text("held since")
        await expect(lane(page).locator(".pill")).to_have_text("Motion held")
        await notice.get_by_role("button", name="Resume motion…").click()
        await expect(page.get_by_role("button", name="Leave it held")).to_be_focused()
        assert await faults(page) == []
        await dialog(page).get_by_role("button", name="Move on, then stay paused").click()
        await expect(notice).to_have_count(0)
        await expect(lane(page).locator(".pill")).to_have_text("Working")
        status = await call(site, "GET", "/queue/status?robot_id=robot_a")
        assert [hold["code"] for hold in status["holds"]] == ["paused"]
        assert (await task(site, running))["state"] == "running"


@pytest.mark.long
async def test_robot_that_stands_in_the_way__is_named_and_sent_away(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    there = await submit(site, drive("SCAN_TABLE", robot_id="robot_b"))
    await call(site, "GET", f"/task/{there}?wait=20")
    waiting = await submit(site, drive("SCAN_TABLE"))
    async with open_page(site) as screen:
        page = screen.page
        await expect(lane(page).locator(".nothing-to-do")).to_contain_text("Cannot start: ")
        notice = page.locator(".notice", has_text="Waits for scan_table")
        await expect(notice).to_contain_text("robot_b")
        await notice.get_by_role("button", name="Send robot_b away…").click()
        await expect(dialog(page).get_by_role("button", name="Cancel")).to_be_focused()
        await dialog(page).get_by_role("button", name="Send robot_b away", exact=True).click()
        await expect(notice).to_have_count(0)
    assert (await call(site, "GET", f"/task/{waiting}?wait=20"))["state"] == "completed"


async def test_cancel_of_what_runs__can_keep_the_next_one_from_starting(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site(time_scale=1)
    async with open_page(site) as screen:
        page = screen.page
        await submit(site, {"cmd_type": "SCAN_QRCODE", "params": {}})
        waiting = await submit(site, drive("HOME"))
        await lane(page).locator(".controls").get_by_role("button", name="Cancel…").click()
        await expect(dialog(page)).to_contain_text("What starts afterwards: Go to a place")
        await dialog(page).get_by_role("button", name="Cancel it, pause the queue").click()
        await expect(page.locator(".ended .row.cancelled")).to_have_count(1)
        assert (await task(site, waiting))["state"] == "pending"


@pytest.mark.long
async def test_approval__that_somebody_else_has_given_closes_the_question(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    specs = tmp_path / "approval.yaml"
    text = "commands:\n  NAVIGATION: {approval: true}\n"
    await asyncio.to_thread(specs.write_text, text, "utf-8")
    site = await start_site(commands=[str(specs)])
    (first,) = await ask(site, TO_CHARGER)
    async with open_page(site) as screen:
        page = screen.page
        await decisions(page).get_by_role("button", name="Approve").click()
        await expect(dialog(page).locator(".starts")).to_contain_text("Go to a place · CHARGER")
        await call(site, "POST", f"/task/{first}/reject", {"reason": "the charger is wet"})
        await expect(dialog(page)).to_have_count(0)
        await expect(page.locator("#messages")).to_contain_text("somebody has decided already")
        (second,) = await ask(site, TO_CHARGER)
        await decisions(page).get_by_role("button", name="Approve").click()
        await expect(page.get_by_role("button", name="Approve, stay paused")).to_be_focused()
        await agree(page, "Approve, stay paused")
        await expect(page.locator(".notice", has_text="robot_a: Paused")).to_be_visible()
        assert (await task(site, second))["state"] == "pending"


@pytest.mark.long
async def test_question_of_a_robot__that_was_answered_elsewhere_is_gone_and_says_so(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    steps = {"cmd_type": "MANUAL_STEP", "params": {"title": "Close the hood"}}
    asking = await submit(site, steps)
    async with open_page(site) as screen:
        page = screen.page
        notice = page.locator(".notice.ask")
        await notice.locator("input, textarea").first.fill("closed")
        await call(site, "POST", f"/task/{asking}/input", {})
        await expect(notice).to_have_count(0)
        await expect(page.locator("#messages")).to_contain_text("was answered meanwhile")


async def waiting_for_a_robot_that_goes(
    start_site: StartSite, folder: Path, names: tuple[str, ...]
) -> tuple[Site, list[str]]:
    """A daemon whose configuration has lost robot_c, and the commands that wait for it."""
    described = yaml.safe_load(packaged("lab.yaml").read_text(encoding="utf-8"))
    described["robots"]["robot_c"] = described["robots"]["robot_b"]
    lab = folder / "lab_of_three.yaml"
    await asyncio.to_thread(lab.write_text, yaml.safe_dump(described), "utf-8")
    options = {f"robots.robot_{one}.options": {"lab": str(lab)} for one in "abc"}
    before = await start_site(**{"robots.robot_c.driver": "simulator", **options})
    await call(before, "POST", "/queue/pause", {"robot_id": "robot_c"})
    tasks = [await submit(before, drive("HOME", robot_id="robot_c", cmd_id=n)) for n in names]
    await before.stop()
    del options["robots.robot_c.options"]
    return await start_site(**options), tasks


async def test_queue_of_a_robot_that_is_gone__is_given_to_another_or_called_off(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    names = ("first", "second", "third")
    site, waiting = await waiting_for_a_robot_that_goes(start_site, tmp_path, names)
    async with open_page(site) as screen:
        page = screen.page
        notice = page.locator(".notice", has_text="robot_c: Robot is not configured")
        await notice.get_by_role("button", name="Call all off…").click()
        await expect(dialog(page)).to_contain_text("3 tasks are called off")
        await dialog(page).get_by_role("button", name="Keep it").click()
        await expect(dialog(page)).to_have_count(0)
        await notice.get_by_role("button", name="Give to another robot…").click()
        await expect(dialog(page)).to_contain_text("the 3 tasks of robot_c")
        assert await faults(page) == []
        await dialog(page).get_by_role("button", name="robot_b").click()
        await expect(notice).to_have_count(0)
        ended = page.locator(".ended .row.completed")
        await expect(ended).to_contain_text(["third", "second", "first"])
    states = [(await task(site, one))["robot_id"] for one in waiting]
    assert states == ["robot_b"] * 3


@pytest.mark.long
async def test_queue_of_a_robot_that_is_gone__is_called_off_as_it_was_counted(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    site, waiting = await waiting_for_a_robot_that_goes(start_site, tmp_path, ("one", "two"))
    async with open_page(site) as screen:
        page = screen.page
        notice = page.locator(".notice", has_text="robot_c: Robot is not configured")
        await notice.get_by_role("button", name="Call all off…").click()
        await dialog(page).get_by_role("button", name="Call off 2").click()
        await expect(notice).to_have_count(0)
    assert {(await task(site, one))["state"] for one in waiting} == {"cancelled"}


async def test_command_that_no_longer_fits__says_why_and_is_called_off(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    specs = tmp_path / "own.yaml"
    rinse = "{kind: queued, title: {en: Rinse}, steps: [{step: rinsing, wait_s: 0.01}]}"
    text = f"commands:\n  RINSE: {rinse}\n"
    await asyncio.to_thread(specs.write_text, text, "utf-8")
    before = await start_site(commands=[str(specs)])
    await call(before, "POST", "/queue/pause", {"robot_id": "robot_a"})
    waiting = await submit(before, {"cmd_type": "RINSE"})
    behind = await submit(before, drive("HOME"))
    await before.stop()
    site = await start_site()
    async with open_page(site) as screen:
        page = screen.page
        await lane(page).get_by_role("button", name="Resume queue").click()
        await dialog(page).get_by_role("button", name="Go on at once").click()
        notice = page.locator(".notice", has_text="Command no longer fits")
        await expect(notice).to_contain_text("RINSE")
        await expect(lane(page).locator(".nothing-to-do")).to_contain_text("Starts nothing")
        await notice.get_by_role("button", name="Cancel…").click()
        await dialog(page).get_by_role("button", name="Cancel the command").click()
        await expect(notice).to_have_count(0)
        await expect(page.locator(".ended .row.completed")).to_have_count(1)
    assert (await task(site, waiting))["state"] == "cancelled"
    assert (await task(site, behind))["state"] == "completed"


@pytest.mark.long
async def test_command_that_takes_longer_than_ever__is_not_done_any_moment(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site(time_scale=1)
    # where it stands already: done at once, so that the estimate is nothing
    first = await submit(site, drive("HOME", robot_id="robot_a"))
    await call(site, "GET", f"/task/{first}?wait=20")
    async with open_page(site) as screen:
        page = screen.page
        await submit(site, drive("CHROMATOGRAPH", robot_id="robot_a"))
        await expect(lane(page).locator(".pill")).to_have_text("Working")
        times = lane(page).locator(".times")
        await expect(times).to_contain_text("longer than usual")
        await expect(times).to_contain_text("no estimate yet")
        await expect(times).not_to_contain_text("any moment")
