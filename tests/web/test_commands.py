"""Giving commands and looking at what became of them, as people do it: few clicks, nothing cut."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientSession
from playwright.async_api import Page, expect

from .conftest import OpenPage, Site, StartSite

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

CLICKS = """
window.clicks = 0;
addEventListener("click", (event) => { if (event.isTrusted) window.clicks += 1; }, true);
"""
CUT = """
() => {
  const bad = [];
  if (document.documentElement.scrollWidth > innerWidth) bad.push("page " + document.documentElement.scrollWidth);
  for (const node of document.querySelectorAll("main *, #drawer[open] *")) {
    const box = node.getBoundingClientRect();
    if (!box.width || !box.height || node.closest(".offscreen, svg, .wide, .log, thead")) continue;
    const name = `${node.tagName}.${node.className} ${(node.textContent || "").slice(0, 30)}`;
    if (box.right > innerWidth + 1 && !node.closest(".picker-list, pre")) bad.push(`right ${name}`);
    const text = [...node.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data.trim()).join("");
    if (text.length < 4) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const lines = new Set([...range.getClientRects()].map((one) => Math.round(one.top))).size;
    if (lines > 2 && lines > text.length / 3) bad.push(`letters ${lines} ${name}`);
    const style = getComputedStyle(node);
    if (style.overflow !== "visible" && node.scrollWidth > node.clientWidth + 1 && !["auto", "scroll"].includes(style.overflowX)) bad.push(`cut ${name}`);
  }
  return bad;
}
"""  # noqa: E501 - a script
"""What is beyond the edge, what is cut, and what has a letter on each line."""


async def submit(site: Site, command: Any) -> str:
    async with ClientSession() as session, session.post(f"{site.url}/", json=command) as answer:
        found = await answer.json()
        assert answer.status == 200, found
        task_id: str = found["task_id"]
        return task_id


async def task(site: Site, task_id: str) -> Any:
    async with (
        ClientSession() as session,
        session.get(f"{site.url}/task/{task_id}?wait=20") as answer,
    ):
        return await answer.json()


async def open_form(page: Page, command: str) -> None:
    await page.goto(page.url.partition("#")[0] + "#submit")
    await page.locator(f'[data-command="{command}"]').first.click()


async def accepted(page: Page) -> str:
    link = page.locator(".submit .answer a")
    # who does not see it presses once more
    await expect(link).to_be_in_viewport()
    return str(await link.get_attribute("href")).partition("/")[2]


def as_given(found: Any) -> Any:
    return {
        name: found.get(name)
        for name in ("cmd_type", "cmd_id", "params", "robot_id", "priority", "not_before_ms",
                     "expires_at_ms")
    }  # fmt: skip


def missing(bottle: str) -> Any:
    return {"cmd_type": "PICK_UP", "params": {"target_params": [{"bottle_id": bottle}]}}


async def test_failed_command__runs_again_with_another_parameter_in_three_clicks(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site(time_scale=0.001)
    failed = await submit(site, missing("bottle_of_another_lab"))
    assert (await task(site, failed))["state"] == "failed"
    async with open_page(site) as screen:
        page = screen.page
        await page.evaluate(CLICKS)
        await page.locator(".ended .row.failed a.title").first.click()
        await expect(page.locator("#drawer .pairs").first).to_contain_text("bottle_of_another_lab")
        await page.get_by_role("button", name="Edit and run again").click()
        field = page.locator(".submit .item input").first
        await expect(field).to_have_value("bottle_of_another_lab")
        await field.fill("bottle_001")
        await page.locator(".submit button.primary").click()
        again = await task(site, await accepted(page))
        assert again["params"]["target_params"] == [{"bottle_id": "bottle_001"}]
        assert again["robot_id"] == "robot_a"
        assert await page.evaluate("window.clicks") == 3

        by_page = await _by_shell_and_by_page(page, site)

        # another command does not keep the robot that was chosen for this one
        await page.locator('[data-command="SCAN_QRCODE"]').first.click()
        await expect(page.locator("#submit-robot")).to_have_value("robot_a")
        # and what this robot cannot do is not on its list
        await page.locator("#submit-for").select_option("robot_a")
        await expect(page.locator('[data-command="SPLIT_LIQUID"]')).to_have_count(0)

        # the history: what failed, as a page and as a file
        await page.goto(page.url.partition("#")[0] + "#history")
        await page.get_by_role("button", name="Failed").click()
        rows = page.locator(".history tbody tr")
        await expect(rows).to_have_count(await _failed(site))
        link = page.get_by_role("link", name="Export CSV")
        async with page.expect_download() as download:
            await link.click()
        path = await (await download.value).path()
        text = await asyncio.to_thread(path.read_text, encoding="utf-8-sig")
        assert failed in text
        assert by_page["task_id"] not in text


async def _by_shell_and_by_page(page: Page, site: Site) -> Any:
    """The same on a command line is the same."""
    await open_form(page, "NAVIGATION")
    await page.get_by_label("area").select_option("CHARGER")
    await page.locator("#submit-robot").select_option("robot_b")
    await page.locator("#submit-own").fill("it's 5 o'clock; $(reboot) \"x\"")
    await page.locator("#submit-priority").select_option("high")
    await page.locator("#submit-when").select_option("at")
    tomorrow = datetime.now(UTC).astimezone() + timedelta(days=1)
    await page.locator("#submit-at").fill(f"{tomorrow:%Y-%m-%dT}22:00")
    line = page.locator("pre[aria-label]")
    await expect(line).to_contain_text("22:00")
    pasted = await asyncio.create_subprocess_exec(
        "bash", "-c", await line.inner_text(), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    out, _ = await pasted.communicate()
    by_shell = await _found(site, json.loads(out)["task_id"])
    await page.get_by_role("button", name="Only check it").click()
    # the one from the shell waits at number 1
    await expect(page.locator(".dry")).to_contain_text("number 2")
    await page.locator(".submit button.primary").click()
    by_page = await _found(site, await accepted(page))
    assert as_given(by_page) == as_given(by_shell)
    assert by_page["robot_id"] == "robot_b"
    assert (
        datetime.fromtimestamp(by_page["not_before_ms"] / 1000, UTC).astimezone().strftime("%H:%M")
        == "22:00"
    )
    return by_page


async def _found(site: Site, task_id: str) -> Any:
    async with ClientSession() as session, session.get(f"{site.url}/task/{task_id}") as answer:
        return await answer.json()


async def _failed(site: Site) -> int:
    async with ClientSession() as session, session.get(f"{site.url}/tasks?state=failed") as answer:
        return int((await answer.json())["count"])


@pytest.mark.long
async def test_tonight_at_22__every_day(start_site: StartSite, open_page: OpenPage) -> None:
    site = await start_site(time_scale=0.001)
    async with open_page(site, width=390, height=844) as screen:
        page = screen.page
        await open_form(page, "NAVIGATION")
        await page.get_by_label("area").select_option("HOME")
        await page.locator("#submit-when").select_option("at")
        await page.get_by_role("button", name="Tonight 22:00").click()
        await page.locator(".submit button.primary").click()
        found = await _found(site, await accepted(page))
        assert (
            datetime.fromtimestamp(found["not_before_ms"] / 1000, UTC)
            .astimezone()
            .strftime("%H:%M")
            == "22:00"
        )
        await page.locator("#submit-when").select_option("daily")
        await page.locator("#submit-day-sun").uncheck()
        await page.get_by_role("button", name="Repeat every day").click()
        listed = page.locator(".repeats li")
        await expect(listed).to_contain_text("22:00")
        await page.get_by_role("button", name="Stop repeating…").click()
        await page.locator("dialog.ask").get_by_role("button", name="Stop repeating").click()
        await expect(listed).to_have_count(0)

        # a favourite is a button on Now
        await page.get_by_role("button", name="Keep as a favourite").click()
        await page.goto(page.url.partition("#")[0] + "#now")
        await page.locator(".favourite").click()
        await page.locator("dialog.ask").get_by_role("button", name="Submit command").click()
        await expect(page.locator("#messages")).to_contain_text("queue")


@pytest.mark.long
async def test_file_dropped_anywhere__fills_the_form(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site(time_scale=0.001)
    async with open_page(site) as screen:
        page = screen.page
        await expect(page.locator(".lane").first).to_be_visible()
        command = {"cmd_type": "NAVIGATION", "params": {"area": "CHARGER", "robot_id": "robot_b"}}
        await _drop(page, "go.json", json.dumps(command))
        await expect(page.locator("#submit-robot")).to_have_value("robot_b")
        await expect(page.get_by_label("area")).to_have_value(re.compile(r"\d+"))
        await page.locator(".submit button.primary").click()
        assert (await task(site, await accepted(page)))["params"]["area"] == "CHARGER"
        await _drop(page, "two.json", json.dumps([command, command]))
        await page.get_by_role("button", name="Submit 2 commands").click()
        await expect(page.locator("#messages")).to_contain_text("2 commands were accepted")
        await _drop(page, "notes.txt", "hello")
        await expect(page.locator("#messages")).to_contain_text("notes.txt is neither")


async def _drop(page: Page, name: str, text: str) -> None:
    await page.evaluate(
        """([name, text]) => {
          const data = new DataTransfer();
          data.items.add(new File([text], name));
          for (const kind of ["dragenter", "dragover", "drop"]) {
            document.querySelector("main").dispatchEvent(
              new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
          }
        }""",
        [name, text],
    )


@pytest.mark.long
@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
@pytest.mark.parametrize("width", [390, 1180, 1280, 1920])
async def test_pages__have_nothing_cut_and_no_line_of_single_letters(
    start_site: StartSite, open_page: OpenPage, width: int, language: str
) -> None:
    site = await start_site(time_scale=0.001)
    names: Sequence[str] = ("plate 7, run 3", "x" * 80, "样品")
    ids = [await submit(site, {**missing(f"bottle of {name}"), "cmd_id": name}) for name in names]
    scan = await submit(site, {"cmd_type": "NAVIGATION", "params": {"area": "CHARGER"}})
    await task(site, scan)
    async with open_page(site, "#history", width=width, language=language) as screen:
        page = screen.page
        await expect(page.locator(".history tbody tr")).to_have_count(len(ids) + 1)
        assert await page.evaluate(CUT) == []
        await page.goto(page.url.partition("#")[0] + f"#task/{ids[1]}")
        await expect(page.locator("#drawer .pairs").first).to_be_visible()
        assert await page.evaluate(CUT) == []
        await open_form(page, "PUT_TO")
        await expect(page.locator(".submit")).to_be_visible()
        assert await page.evaluate(CUT) == []
