"""Both pages in a real browser: what they show, and a person who plays a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.web.conftest import running_browser

from .conftest import Dispatcher, OpenDispatcher

pytestmark = pytest.mark.browser

MARKUP = "<img src=x onerror=alert(1)><b>bold</b>"


@pytest.fixture
async def api(open_dispatcher: OpenDispatcher) -> Dispatcher:
    """In real wall time."""
    return await open_dispatcher()


@pytest.fixture
async def pages() -> AsyncIterator[tuple[Page, Page, list[str]]]:
    """Two pages, in a window each, and everything that they complained about."""
    complaints: list[str] = []
    async with running_browser() as browser:
        # of two in one window the hidden one is slowed down
        both = [await browser.new_page(locale="en-US") for _ in range(2)]
        for page in both:
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda said: _note(complaints, said.type, said.text))
        yield both[0], both[1], complaints


def _note(complaints: list[str], kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        complaints.append(text)


@pytest.mark.slow
async def test_s4_24__a_person_plays_a_worker_and_the_dashboard_shows_it(
    api: Dispatcher, pages: tuple[Page, Page, list[str]]
) -> None:
    player, watcher, complaints = pages
    await player.goto(f"{api.url}/test-worker")
    await player.click("#connect")
    await expect(player.locator("#state")).to_contain_text("connected as W1-")
    asking = api.waiting(data={"prompt": MARKUP})
    await expect(player.locator("#payload")).to_contain_text(MARKUP)
    await watcher.goto(f"{api.url}/dashboard")
    queued = await api.submit({"second": MARKUP})
    await expect(watcher.locator("#busy")).to_have_text("1 / 1")
    await expect(watcher.locator("#workers li")).to_contain_text("busy")
    await expect(watcher.locator("#queue li")).to_contain_text(queued)
    await watcher.click("#executing-tasks summary")
    await expect(watcher.locator("#executing-tasks pre")).to_contain_text(MARKUP)
    assert await watcher.locator("main img, main b").count() == 0
    await player.fill("#result", '{"by": "hand"}')
    await player.click("#complete")
    assert (await asking).body["result"] == {"by": "hand"}
    await expect(watcher.locator("#log")).to_contain_text("/api/openai 200")
    await expect(watcher.locator("#queue")).to_have_text("none")
    # the next one came without a new ready; it fails by hand
    await expect(player.locator("#task")).to_have_text(queued)
    await player.fill("#error", "no paper")
    await player.click("#fail")
    assert (await api.until(queued, "failed"))["error"] == "no paper"
    await player.click("#send")
    await expect(player.locator("#log")).to_contain_text('"pong"')
    await player.click("#disconnect")
    await expect(player.locator("#state")).to_have_text("not connected")
    await api.alone()
    assert complaints == []


@pytest.mark.long
async def test_s4_24__a_task_is_done_by_itself_after_two_seconds(
    api: Dispatcher, pages: tuple[Page, Page, list[str]]
) -> None:
    player, _, complaints = pages
    await player.goto(f"{api.url}/test-worker")
    await player.check("#auto")
    await player.click("#connect")
    await expect(player.locator("#state")).to_contain_text("connected as W1-")
    answer = await api.post({"data": {}})
    assert answer.body["result"] == {"success": True, "data": "done by hand"}
    assert complaints == []
