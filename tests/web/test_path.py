"""A technician's day at the dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from playwright.async_api import Page, expect

from .conftest import OpenPage, StartSite

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

WALL = {"width": 1920, "height": 1080, "theme": "light", "language": "en-US"}
PHONE = {"width": 390, "height": 844, "theme": "dark", "language": "zh-CN"}

GONE = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED", "ERR_EMPTY", "ERR_CONNECTION_RESET")
"""What a browser says while the daemon is away."""


STEPS_SEEN = """() => {
  window.stepsSeen = new Set();
  const look = () => {
    const step = document.querySelector('.lane[aria-label="robot_a"] .step');
    if (step?.textContent.trim()) window.stepsSeen.add(step.textContent);
  };
  const all = { subtree: true, childList: true, characterData: true };
  new MutationObserver(look).observe(document.body, all);
}"""
"""Writes down what a person would see pass, however long anybody takes to look."""


def lane(page: Page, robot: str = "robot_a") -> Any:
    return page.get_by_role("region", name=robot, exact=True)


async def submit(page: Page, command: str, **fields: str) -> str:
    """Hand in a command by the form; returns its task id."""
    await page.goto(page.url.partition("#")[0] + "#submit")
    await page.locator(f'[data-command="{command}"]').first.click()
    for name, value in fields.items():
        field = page.locator(".submit").get_by_label(name.replace("_", " "), exact=False).first
        if await field.evaluate("field => field.tagName") == "SELECT":
            await field.select_option(value)
        else:
            await field.fill(value)
    await page.locator(".submit button.primary").click()
    href = await page.locator(".submit .answer a").get_attribute("href")
    task_id = str(href).partition("/")[2]
    await page.goto(page.url.partition("#")[0] + "#now")
    return task_id


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(WALL, id="wall"),
        pytest.param(PHONE, id="phone", marks=pytest.mark.long),
    ],
)
async def test_scan__from_the_form_to_the_timeline(
    start_site: StartSite, open_page: OpenPage, size: Mapping[str, Any]
) -> None:
    site = await start_site(time_scale=0.01)
    async with open_page(site, **size) as screen:
        page = screen.page
        await expect(page.locator("html")).to_have_attribute("data-theme", size["theme"])
        robot = page.locator(".lab .robot").first
        stood = await robot.get_attribute("style")
        await page.evaluate(STEPS_SEEN)
        await submit(page, "SCAN_QRCODE")

        # the picture moves
        await expect(robot).not_to_have_attribute("style", stood or "")

        # the question, answered by the form made from its schema
        question = page.locator(".notice.ask")
        await expect(question).to_be_visible()
        await expect(question.get_by_role("combobox")).to_have_count(1)
        await question.locator("button.primary").click()
        await expect(question.locator(".field .fault").first).not_to_be_empty()
        await question.get_by_role("textbox").first.fill("bottle_002")
        await question.locator("button.primary").click()
        await expect(question).to_have_count(0)

        # its end, and the steps as they were recorded
        ended = page.locator(".ended .row.completed")
        await expect(ended).to_have_count(1)
        assert await page.evaluate("window.stepsSeen.size") > 1, "the steps passed unseen"
        await ended.get_by_role("link").click()
        drawer = page.locator("#drawer")
        steps = drawer.locator(".timeline li .name")
        names = ("NAVIGATING_TO_SCAN", "WAITING_ID_INPUT", "NAVIGATING_TO_SPLIT")
        for name in names:
            await expect(drawer.locator(f'.timeline .name[title^="{name}"]')).to_have_count(1)
        assert await steps.count() >= 10
        await expect(drawer.locator(".pairs > div", has_text="scanned count")).to_contain_text("3")
        await page.keyboard.press("Escape")
        await expect(drawer).to_be_hidden()
        # nothing is wider than the screen
        assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@pytest.mark.long
async def test_running_command__is_cancelled(start_site: StartSite, open_page: OpenPage) -> None:
    site = await start_site(time_scale=1)
    async with open_page(site) as screen:
        page = screen.page
        await submit(page, "SCAN_QRCODE")
        robot = lane(page)
        await expect(robot.locator(".pill")).to_have_text("Working")
        await robot.get_by_role("button", name="Cancel…").click()
        # whatever is open, the emergency stop is in reach
        await page.get_by_role("button", name="Stop all robots").click(trial=True)
        await page.get_by_role("button", name="Keep it").click()
        await expect(robot.locator(".pill")).to_have_text("Working")
        await robot.get_by_role("button", name="Cancel…").click()
        await page.get_by_role("button", name="Cancel the command").click()
        await expect(page.locator(".ended .row.cancelled")).to_have_count(1)
        await expect(robot.locator(".pill")).to_have_text("Idle")


async def test_emergency_stop__one_click_and_back_with_a_confirmation(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site(time_scale=1)
    async with open_page(site, width=390, height=844) as screen:
        page = screen.page
        await submit(page, "SCAN_QRCODE")
        await submit(page, "NAVIGATION", area="HOME")
        await expect(lane(page).locator(".pill")).to_have_text("Working")
        await page.get_by_role("button", name="Stop all robots").click()
        notice = page.locator(".notice.bad").first
        await expect(notice).to_contain_text("All robots are stopped")
        await expect(lane(page).locator(".pill")).to_have_text("Stopped")
        await expect(page).to_have_title("⛔ All robots are stopped · robotq")

        # Enter alone does not reset
        await notice.get_by_role("button", name="Reset the stop…").click()
        await expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(lane(page).locator(".pill")).to_have_text("Stopped")
        await notice.get_by_role("button", name="Reset the stop…").click()
        await page.get_by_role("button", name="It is safe: reset").click()

        # the queues stay paused, and say which button clears that
        paused = page.locator(".notice", has_text="robot_a, robot_b: Paused")
        await expect(paused).to_be_visible()
        await expect(lane(page).locator(".waiting .row")).to_have_count(1)
        await paused.get_by_role("button", name="Resume all").click()
        # what starts is told, and Enter alone starts nothing
        await expect(page.locator("dialog.ask .starts")).to_contain_text("robot_a: Go to a place")
        await expect(page.get_by_role("button", name="Stay paused")).to_be_focused()
        await page.get_by_role("button", name="Go on at once").click()
        await expect(page.locator(".notice")).to_have_count(0)
        await expect(lane(page).locator(".waiting .row")).to_have_count(0)


@pytest.mark.long
async def test_manual_step__is_ticked_off(start_site: StartSite, open_page: OpenPage) -> None:
    site = await start_site()
    async with open_page(site) as screen:
        page = screen.page
        await submit(page, "MANUAL_STEP", Title="Close the hood")
        notice = page.locator(".notice.ask")
        await expect(notice).to_contain_text("Close the hood")
        await notice.get_by_role("button", name="It is done").click()
        await expect(page.locator(".ended .row.completed")).to_have_count(1)

        # the same from the checklist, where it stands among what people do besides
        await submit(page, "MANUAL_STEP", Title="Open the hood")
        await expect(page.locator(".notice.ask")).to_contain_text("Open the hood")
        await page.goto(f"{site.url}/dashboard#people")
        await page.get_by_label("Add an item").fill("Order bottles")
        await page.get_by_role("button", name="Add").click()
        await page.get_by_label("Order bottles").check()
        await page.get_by_label("Open the hood").check()
        await expect(page.locator(".notice.ask")).to_have_count(0)
        await expect(page.locator(".ticks").nth(1).locator("li")).to_have_count(3)


@pytest.mark.long
async def test_page__is_the_same_after_a_reload_and_after_the_daemon_was_away(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site(time_scale=1)
    async with open_page(site) as screen:
        page = screen.page
        task_id = await submit(page, "MANUAL_STEP", Title="Close the hood")
        await page.goto(f"{site.url}/dashboard#task/{task_id}")
        await expect(page.locator("#drawer")).to_contain_text(task_id)
        await page.reload()
        await expect(page.locator("#drawer")).to_contain_text(task_id)
        await page.get_by_role("button", name="Stop all robots").click(trial=True)
        await page.keyboard.press("Escape")
        await expect(lane(page).locator(".pill")).to_have_text("Waits for you")

        screen.expected = GONE
        await site.stop()
        banner = page.locator(".banner.stale")
        await expect(banner).to_contain_text("No contact with robotq")
        await expect(page.locator(".live")).to_have_text("Out of date")
        # whoever presses it now must not believe that it worked
        await page.get_by_role("button", name="Stop all robots").click()
        failed = page.get_by_role("alertdialog")
        await expect(failed).to_contain_text("did NOT get through")
        await expect(failed).to_contain_text("Use the red button on the machine now")

        await site.start()
        await expect(banner).to_be_hidden()
        await expect(failed).to_be_visible()  # until somebody has read it
        await failed.get_by_role("button", name="I have read this").click()
        await expect(failed).to_be_hidden()
        await expect(page.locator(".live")).to_have_text("Live")
        # a motion that was cut short is for a person to judge, and the page says so
        await expect(page.locator("main")).to_contain_text("robot_a")


@pytest.mark.long
async def test_unknown_outcome__is_resolved_with_the_button_that_is_offered(
    start_site: StartSite, open_page: OpenPage
) -> None:
    broken = {"faults": [{"command": "NAVIGATION", "nth": 1, "kind": "raise"}]}
    site = await start_site(**{"robots.robot_a.options": broken, "robots.robot_b.options": {}})
    async with open_page(site) as screen:
        page = screen.page
        await submit(page, "NAVIGATION", area="CHARGER")
        notice = page.locator(".notice.bad")
        await expect(notice).to_contain_text("How did it end?")
        await submit(page, "NAVIGATION", area="HOME")
        await expect(lane(page).locator(".waiting .row")).to_have_count(1)
        await expect(lane(page).locator(".nothing-to-do")).to_contain_text("Starts nothing")
        await notice.get_by_role("button", name="It was not done").click()
        await page.get_by_role("button", name="Go on at once").click()
        await expect(notice).to_have_count(0)
        await expect(page.locator(".ended .row.completed")).to_have_count(1)


@pytest.mark.long
async def test_waiting_tasks__change_their_order_and_are_taken_out(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    async with open_page(site) as screen:
        page = screen.page
        await submit(page, "MANUAL_STEP", Title="Close the hood")
        for name in ("first", "second", "third"):
            await submit(page, "NAVIGATION", area="HOME", Your_own_name=name)
        rows = lane(page).locator(".waiting .row")
        await expect(rows).to_contain_text(["first", "second", "third"])
        await rows.nth(2).get_by_role("button", name="Move to the head").click()
        await expect(rows).to_contain_text(["third", "first", "second"])

        await lane(page).get_by_role("link", name="Show all 3").click()
        rows = page.locator(".rows.all .row")
        await rows.nth(1).get_by_role("button", name="Move down").click()
        await expect(rows).to_contain_text(["third", "second", "first"])
        await rows.nth(0).get_by_role("button", name="Cancel").click()
        await page.get_by_role("button", name="Cancel the command").click()
        await expect(rows).to_contain_text(["second", "first"])
        await expect(rows).to_have_count(2)


@pytest.mark.long
async def test_text_of_a_task__is_never_markup(start_site: StartSite, open_page: OpenPage) -> None:
    markup = "<img src=x onerror=alert(1)>"
    site = await start_site()
    async with open_page(site) as screen:
        page = screen.page
        task_id = await submit(page, "MANUAL_STEP", Title=markup, Your_own_name=markup)
        await expect(page.locator(".notice.ask")).to_contain_text(markup)
        await expect(lane(page)).to_contain_text(markup)
        for view in ("history", "charts", "log", f"task/{task_id}", "queue/robot_a"):
            await page.goto(f"{site.url}/dashboard#{view}")
            await expect(page.locator("main")).to_be_attached()
        await expect(page.locator("#drawer, main").first).to_be_attached()
        assert await page.locator("img[src='x']").count() == 0
        screen.expected = ("TrustedHTML",)
        with pytest.raises(Exception, match="TrustedHTML"):
            await page.evaluate("() => { document.body.innerHTML = '<b>x</b>'; }")
