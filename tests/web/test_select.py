"""Two hundred commands by mistake: chosen in the list, and called off with one request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from playwright.async_api import Page, expect

from .conftest import OpenPage, Site, StartSite
from .test_access import faults
from .test_stop import call

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

HOME = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
BY_HAND = {"cmd_type": "MANUAL_STEP", "params": {"title": "Close the hood"}}
WORDS = {
    "en-US": ("Select all", "Cancel selected…", "Cancel 200 commands", "Show all 203", "Keep them"),
    "zh-CN": ("全选", "取消所选…", "取消 200 个命令", "显示全部 203 个", "保留"),
}


async def waiting(site: Site) -> list[str]:
    """What waits for robot_a, by the names that its people gave."""
    found = await call(site, "GET", "/tasks?state=pending&robot_id=robot_a&limit=500")
    return [task["cmd_id"] for task in reversed(found["tasks"])]


async def fill(site: Site, wrong: int) -> None:
    """A script has handed in the same drive `wrong` times, between three steps by hand."""
    await call(site, "POST", "/queue/pause", {"robot_id": "robot_a"})
    by_hand = [{**BY_HAND, "cmd_id": f"hand-{n}"} for n in range(3)]
    drives = [{**HOME, "cmd_id": f"drive-{n}"} for n in range(wrong)]
    await call(site, "POST", "/?contiguous=false", [by_hand[0], *drives, *by_hand[1:]])


def boxes(page: Page) -> Any:
    return page.locator(".rows.all .pick")


def requests_to_cancel(page: Page) -> list[str]:
    """The bodies of all requests that call something off, from now on."""
    sent: list[str] = []

    def note(request: Any) -> None:
        if request.method == "POST" and "cancel" in request.url:
            sent.append(f"{request.url.rpartition('/tasks')[2]} {request.post_data}")

    page.on("request", note)
    return sent


@pytest.mark.parametrize(
    "size",
    [
        pytest.param({"language": "en-US"}, id="english"),
        pytest.param(
            {"language": "zh-CN", "width": 390, "height": 844, "theme": "dark"},
            id="chinese on a phone",
            marks=pytest.mark.long,
        ),
    ],
)
async def test_two_hundred__are_called_off_with_four_clicks(
    start_site: StartSite, open_page: OpenPage, size: Mapping[str, Any]
) -> None:
    site = await start_site()
    await fill(site, 200)
    every, cancel, sure, more, keep = WORDS[size["language"]]
    async with open_page(site, **size) as screen:
        page = screen.page
        sent = requests_to_cancel(page)
        await page.get_by_role("link", name=more).click()  # 1
        await page.locator("#select-kind").select_option("NAVIGATION")
        await expect(page.locator(".select-bar option")).to_have_count(3)
        await page.get_by_label(every).click()  # 2
        await expect(page.locator(".select-bar [role=status]")).to_contain_text("200")
        assert await faults(page) == []
        await page.get_by_role("button", name=cancel).click()  # 3
        dialog = page.locator("dialog.ask")
        await expect(dialog).to_contain_text("drive-0")
        await expect(dialog).to_contain_text("192")
        await expect(dialog.get_by_role("button", name=keep)).to_be_focused()
        assert await faults(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= size.get(
            "width", 1920
        )
        await dialog.get_by_role("button", name=sure).click()  # 4
        await expect(page.locator(".rows.all .row")).to_have_count(0)
        assert await waiting(site) == ["hand-0", "hand-1", "hand-2"]
        assert len(sent) == 2, "counted once, and called off once"


async def test_single_ones__by_mouse_and_with_shift_a_range(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    await fill(site, 60)
    async with open_page(site, view="#queue/robot_a") as screen:
        page = screen.page
        sent = requests_to_cancel(page)
        await boxes(page).nth(1).click()
        # the other end of the range is far below what is on the screen at first
        await page.locator(".scroll").evaluate("node => { node.scrollTop = 50 * 56; }")
        last = page.locator(".rows.all .row", has_text="drive-54").locator(".pick")
        await last.click(modifiers=["Shift"])
        chosen = page.locator(".select-bar [role=status]")
        await expect(chosen).to_have_text("55 selected")
        await last.click()
        await expect(chosen).to_have_text("54 selected")
        await expect(page.locator("#select-all")).not_to_be_checked()
        await page.get_by_role("button", name="Cancel selected…").click()
        await page.get_by_role("button", name="Keep them").click()
        assert len(await waiting(site)) == 63, "asked, and nothing was done"
        await page.get_by_role("button", name="Cancel selected…").click()
        await page.get_by_role("button", name="Cancel 54 commands").click()
        await expect(chosen).to_be_empty()
        left = [f"drive-{number}" for number in range(54, 60)]
        assert await waiting(site) == ["hand-0", *left, "hand-1", "hand-2"]
        assert len(sent) == 3


@pytest.mark.long
async def test_keyboard__chooses_and_calls_off(start_site: StartSite, open_page: OpenPage) -> None:
    site = await start_site()
    await fill(site, 6)
    async with open_page(site, view="#queue/robot_a") as screen:
        page = screen.page
        await boxes(page).nth(1).focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("Shift+ArrowDown")
        await page.keyboard.press("Shift+ArrowDown")
        await page.keyboard.press("ArrowDown")
        await expect(boxes(page).nth(4)).to_be_focused()
        await expect(page.locator(".select-bar [role=status]")).to_have_text("3 selected")
        await page.keyboard.press("Control+a")
        await expect(page.locator(".select-bar [role=status]")).to_have_text("9 selected")
        await page.keyboard.press("Space")
        await expect(page.locator(".select-bar [role=status]")).to_have_text("8 selected")
        await page.get_by_role("button", name="Cancel selected…").press("Enter")
        await expect(page.get_by_role("button", name="Keep them")).to_be_focused()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator(".rows.all .row")).to_have_count(1)
        assert await waiting(site) == ["drive-3"]


@pytest.mark.long
async def test_what_came_meanwhile__is_not_called_off(
    start_site: StartSite, open_page: OpenPage
) -> None:
    """Ann is asked about nine commands. Bob hands in a tenth before she says yes."""
    site = await start_site()
    await fill(site, 6)
    async with open_page(site, view="#queue/robot_a") as screen:
        page = screen.page
        await page.get_by_label("Select all").click()
        await page.get_by_role("button", name="Cancel selected…").click()
        await expect(page.locator("dialog.ask")).to_contain_text("hand-0")
        await call(site, "POST", "/", {**HOME, "cmd_id": "bobs"})
        await page.get_by_role("button", name="Cancel 9 commands").click()
        await expect(page.locator(".rows.all .row")).to_have_count(1)
        assert await waiting(site) == ["bobs"]
