"""Takes the pictures of docs/guides/dashboard.md: a real daemon, a simulated lab, a real browser.

    python -m docs.make.screenshots

Needs Chromium and a font with Chinese, `apt-get install chromium fonts-wqy-microhei` on Debian, and
the extra `dev`.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

from robotq.cli.shared.settings import loader
from robotq.cli.shared.startup import url_of
from robotq.client import AsyncClient
from robotq.config import packaged
from robotq.daemon.assembly import running_daemon

FOLDER = Path(__file__).parents[1] / "screenshots"
_SMALL = (390, 844)
_USUAL = (1440, 900)
_WALL = (1920, 1080)
_WAIT_MS = 60_000

_SCAN: Mapping[str, Any] = {"cmd_type": "SCAN_QRCODE", "cmd_id": "SCAN_QRCODE_017", "params": {}}
_BEFORE: tuple[Mapping[str, Any], ...] = (
    {"cmd_type": "TRANSFER_TO_CHROMATOGRAPH", "cmd_id": "RUN_41", "params": {}},
    {"cmd_type": "SPLIT_LIQUID", "cmd_id": "SPLIT_09", "params": {"robot_id": "robot_b"}},
    {"cmd_type": "PICK_UP", "params": {"target_params": [{"bottle_id": "bottle_099"}]}},
    {"cmd_type": "NAVIGATION", "cmd_id": "TO_HOME", "params": {"area": "HOME"}},
)
_AFTER: tuple[Mapping[str, Any], ...] = (
    {"cmd_type": "TRANSFER_TO_CHROMATOGRAPH", "cmd_id": "RUN_42", "params": {}},
    {"cmd_type": "NAVIGATION", "cmd_id": "TO_CHARGER", "params": {"area": "CHARGER"}},
    {"cmd_type": "SPLIT_LIQUID", "cmd_id": "SPLIT_10", "params": {"robot_id": "robot_b"}},
    {"cmd_type": "REFILL_EMPTY_BOTTLES", "params": {"robot_id": "robot_b"}},
)


async def take(folder: Path) -> None:
    """Everything that the page says how to do, in the order in which somebody would do it."""
    lab = await asyncio.to_thread(_lab, folder)
    load = loader(
        None,
        {
            "port": 0,
            "data": str(folder / "data"),
            "time_scale": 0.05,
            "limits.shutdown_grace_s": 0.0,
            "robots.robot_a.options": {"lab": str(lab)},
            "robots.robot_b.options": {"lab": str(lab)},
        },
    )
    async with (
        running_daemon(load(), load, reload=asyncio.Event()) as daemon,
        async_playwright() as playwright,
        AsyncClient(url_of(daemon.addresses)) as client,
    ):
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        url = f"{url_of(daemon.addresses)}/dashboard"
        for command in (*_BEFORE, _SCAN, *_AFTER):
            await client.request("POST", "/", command)
        await _at_work(browser, url)
        await _stopped(browser, url, client)
        await browser.close()


async def _at_work(browser: Browser, url: str) -> None:
    page = await _page(browser, url, _WALL)
    await expect(page.locator(".notice.ask")).to_be_visible()
    await _shoot(page, "question")
    await _shoot(await _page(browser, f"{url}#wall", _WALL), "wall")
    phone = await _page(browser, url, _SMALL, theme="dark", language="zh-CN")
    await expect(phone.locator(".notice.ask")).to_be_visible()
    await _shoot(phone, "phone")
    await page.locator(".notice.ask input[type=text]").first.fill("bottle_002")
    await page.locator(".notice.ask button.primary").click()
    await expect(page.locator(".notice.ask")).to_have_count(0)
    await _shoot(page, "now")
    form = await _page(browser, f"{url}#submit", _USUAL)
    await form.locator('[data-command="PUT_TO"]').first.click()
    await form.get_by_role("button", name="Fill in the example").click()
    await _shoot(form, "submit")
    await expect(page.locator(".waiting .row")).to_have_count(0)
    row = page.locator(".ended .row", has_text="SCAN_QRCODE_017")
    await row.get_by_role("link").click()
    await _shoot(page, "task")
    await _shoot(await _page(browser, f"{url}#history", _USUAL), "history")
    await _shoot(await _page(browser, f"{url}#charts", _USUAL, theme="dark"), "charts")


async def _stopped(browser: Browser, url: str, client: AsyncClient) -> None:
    await client.request("POST", "/", {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}})
    await client.request("POST", "/estop", {"reason": "a bottle fell"})
    page = await _page(browser, url, _USUAL)
    await expect(page.locator(".notice.bad").first).to_be_visible()
    await _shoot(page, "estop")
    drive = {"cmd_type": "NAVIGATION", "params": {"area": "CHARGER"}}
    scans = [{**_SCAN, "cmd_id": f"SCAN_QRCODE_{number:03d}"} for number in range(18, 21)]
    many = [*scans, *({**drive, "cmd_id": f"TO_CHARGER_{n}"} for n in range(40))]
    await client.submit_batch(many)
    queue = await _page(browser, f"{url}#queue/robot_a", _USUAL)
    await queue.locator("#select-kind").select_option("NAVIGATION")
    await queue.get_by_label("Select all").click()
    await queue.get_by_role("button", name="Cancel selected…").click()
    await expect(queue.locator("dialog.ask")).to_be_visible()
    await _shoot(queue, "queue")
    # a cable that is pulled out
    await page.context.set_offline(True)
    await expect(page.locator(".banner.stale")).to_be_visible()
    await _shoot(page, "stale")


async def _page(
    browser: Browser,
    url: str,
    size: tuple[int, int],
    *,
    theme: Any = "light",
    language: str = "en-US",
) -> Page:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=theme, locale=language
    )
    context.set_default_timeout(_WAIT_MS)
    page = await context.new_page()
    await page.goto(url)
    await expect(page.locator("main h1")).to_be_attached()
    if await page.locator("#who").is_visible():
        await page.locator("#who-name").fill("Li, bench 2")
        await page.locator("#who button").first.click()
    return page


async def _shoot(page: Page, name: str) -> None:
    # transitions come to their end
    await page.wait_for_timeout(1200)
    await page.screenshot(path=FOLDER / f"{name}.png")


def _lab(folder: Path) -> Path:
    """The packaged lab with one code that cannot be read, so that there is a question."""
    before, after = packaged("lab.yaml").read_text(encoding="utf-8").split("id: bottle_002")
    lab = folder / "lab.yaml"
    unreadable = after.replace("readable: true", "readable: false", 1)
    lab.write_text(f"{before}id: bottle_002{unreadable}", encoding="utf-8")
    return lab


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    expect.set_options(timeout=_WAIT_MS)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(take(Path(folder)))


if __name__ == "__main__":
    main()
