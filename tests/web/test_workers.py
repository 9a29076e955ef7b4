"""The page of remote workers: who is there, what they have, and who has gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from playwright.async_api import Page, expect

from robotq.client.worker import Job, SocketWorker, Worker

from .conftest import OpenPage, Site, StartSite
from .test_access import faults

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def post(site: Site, path: str, body: Any) -> Any:
    async with (
        ClientSession() as session,
        session.post(f"{site.url}{path}", json=body) as response,
    ):
        assert response.status in (200, 201), await response.text()
        return await response.json()


async def hand_in(site: Site, task_type: str) -> str:
    answer = await post(site, "/apis/task-queue/api/tasks", {"task_type": task_type})
    return str(answer["task_id"])


@asynccontextmanager
async def at_work(worker: Worker | SocketWorker) -> AsyncIterator[None]:
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(stop))
    try:
        yield
        stop.set()
        async with asyncio.timeout(20):
            await working
    finally:
        working.cancel()


def queue(page: Page, name: str = "Task queue") -> Any:
    return page.get_by_role("region", name=name)


def row(page: Page, worker: str) -> Any:
    return page.locator(".worker-list .row", has_text=worker)


async def test_worker__is_shown_with_what_it_has_and_what_it_did(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    site = await start_site()
    weighed = asyncio.Event()

    async def weigh(job: Job) -> object:
        job.progress = 0.4
        await weighed.wait()
        return {"grams": 12}

    await hand_in(site, "weigh")
    worker = Worker(site.url, weigh, spool=tmp_path / "spool", worker_id="bench-1", wait_s=1)
    async with open_page(site, "#workers") as screen:
        page = screen.page
        # a queue in which something waits says that nobody is there
        await expect(queue(page).get_by_text("Nobody is there")).to_be_visible()
        async with at_work(worker):
            await expect(row(page, "bench-1").locator(".pill")).to_have_text("working")
            await expect(row(page, "bench-1")).to_contain_text("weigh")
            await expect(row(page, "bench-1")).to_contain_text("lease until")
            await expect(queue(page).get_by_text("Nobody is there")).to_be_hidden()
            weighed.set()
            await expect(row(page, "bench-1").locator(".pill")).to_have_text("waits for work")
            await expect(row(page, "bench-1")).to_contain_text("1 done")


@pytest.mark.long
async def test_worker__whose_lease_ran_out_is_not_called_idle(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    site = await start_site(**{"interfaces.task_queue.lease_s": 1})
    weighed = asyncio.Event()

    async def weigh(job: Job) -> object:
        await weighed.wait()
        return {}

    await hand_in(site, "weigh")
    # it takes the task, and that is the last that anybody hears of it
    await post(site, "/workers/bench-2/next", {})
    async with open_page(site, "#workers", width=390, height=844, theme="dark") as screen:
        page = screen.page
        gone = row(page, "bench-2")
        await expect(gone.locator(".pill")).to_have_text("not heard of")
        await expect(gone).to_contain_text("Leases that ran out: 1")
        await expect(queue(page)).to_contain_text("1 waiting")
        await expect(queue(page).get_by_text("Nobody is there")).to_be_visible()
        assert await faults(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        # on a phone the way to the other views is below
        await expect(page.get_by_role("button", name="More…")).to_be_in_viewport(ratio=1)

        # another one gets it, and the page says that it is the second attempt
        other = Worker(site.url, weigh, spool=tmp_path / "spool", worker_id="bench-3", wait_s=1)
        async with at_work(other):
            await expect(row(page, "bench-3")).to_contain_text("attempt 2")
            weighed.set()
            await expect(row(page, "bench-3")).to_contain_text("1 done")
        # the first one comes back
        await post(site, "/workers/bench-2/next", {})
        await expect(gone.locator(".pill")).to_have_text("waits for work")


@pytest.mark.long
async def test_connected_worker__is_in_its_group_until_it_goes(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    site = await start_site()

    async def work(job: Job) -> object:
        return {}

    url = f"{site.url.replace('http', 'ws')}/apis/dispatcher/ws"
    worker = SocketWorker(url, work, spool=tmp_path / "spool", group="gpu")
    async with open_page(site, "#workers", language="zh-CN") as screen:
        page = screen.page
        await expect(page.locator("main")).to_contain_text("没有连接的工作者")
        async with at_work(worker):
            await expect(row(page, "gpu").locator(".pill")).to_have_text("等待任务")
            await expect(queue(page, "分派器")).to_be_visible()
        await expect(page.locator("main")).to_contain_text("没有连接的工作者")


@pytest.mark.long
async def test_paused_queue__says_so_and_is_resumed_there(
    start_site: StartSite, open_page: OpenPage
) -> None:
    site = await start_site()
    await hand_in(site, "weigh")
    await post(site, "/queue/pause", {"robot_id": "task_queue", "reason": "the scale is away"})
    async with open_page(site, "#workers") as screen:
        page = screen.page
        await expect(queue(page)).to_contain_text("Hands out nothing")
        await expect(queue(page)).to_contain_text("the scale is away")
        await queue(page).get_by_role("button", name="Resume Task queue").click()
        await page.get_by_role("button", name="Go on at once").click()
        await expect(queue(page)).not_to_contain_text("Hands out nothing")
        assert (await post(site, "/workers/bench-1/next", {}))["task"]["cmd_type"] == "weigh"
