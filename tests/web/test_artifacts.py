"""Files of a task on its page: pictures are shown, everything else is a link, nothing is run."""

from __future__ import annotations

import asyncio
import struct
import time
import zlib
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.async_api import expect

from robotq.model.carried.artifact import Artifact
from robotq.model.task import Command, Task
from robotq.model.transitions import Action, transition
from robotq.store.port import SaveTask
from robotq.store.sqlite.store import SqliteStore
from robotq.system.kept_files import FileRoom

from .conftest import OpenPage, StartSite

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

TASK_ID = "task_20261129_120000_abcdef"
NOW_MS = int(time.time() * 1000)


def _picture() -> bytes:
    """Ten grey pixels by ten, as PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 10, 10, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunk(b"IDAT", zlib.compress(bytes(110)))
        + chunk(b"IEND", b"")
    )


PICTURE = _picture()
PAGE = b"<script>document.title = 'run'</script>"


def _artifact(name: str, media_type: str, content: bytes) -> Artifact:
    return Artifact(
        name=name,
        media_type=media_type,
        size=len(content),
        sha256=sha256(content).hexdigest(),
        not_kept=None if content else "reason.artifact_no_room",
    )


async def _task_with_files(data: Path) -> None:
    store = SqliteStore(data)
    await store.open(finished=1)
    room = FileRoom(data / "artifacts", lambda: 2**20)
    for content in (PICTURE, PAGE):
        await asyncio.to_thread(room.put, content)
    new = Task(
        id=TASK_ID, seq=1, api="robot", queue="robot_a", command=Command(cmd_type="SCAN_QRCODE"),
        actor="anonymous", submitted_at_ms=NOW_MS, rank=1.0,
    )  # fmt: skip
    claimed = transition(new, Action.CLAIM, started_at_ms=NOW_MS)
    files = (
        _artifact("picture.png", "image/png", PICTURE),
        _artifact("page.png", "image/png", PAGE),
        _artifact("page.html", "text/html", PAGE),
        _artifact("late.png", "image/png", b""),
    )
    ended = transition(
        claimed, Action.COMPLETE, fence=1, ended_at_ms=NOW_MS, result={}, artifacts=files
    )
    await store.apply([SaveTask(new, None), SaveTask(claimed, new), SaveTask(ended, claimed)])
    await store.close()


async def test_task__shows_its_pictures_and_runs_nothing(
    start_site: StartSite, open_page: OpenPage, tmp_path: Path
) -> None:
    await _task_with_files(tmp_path / "data")
    site = await start_site()
    async with open_page(site, f"#task/{TASK_ID}") as screen:
        page = screen.page
        files = page.locator("#drawer .artifacts li")
        await expect(files).to_have_count(4)
        await expect(files.nth(0).locator("img")).to_have_js_property("naturalWidth", 10)
        # it says that it is a picture, and is none: the browser shows nothing of it
        await expect(files.nth(1).locator("img")).to_have_js_property("naturalWidth", 0)
        await expect(files.nth(2).locator("img")).to_have_count(0)
        await expect(files.nth(3)).to_contain_text("artifacts.max_bytes")
        assert await page.title() != "run"
        # a click takes the file and leaves the page where it is
        async with page.expect_download() as taken:
            await files.nth(2).locator("a").click()
        download = await taken.value
        assert download.suggested_filename == "page.html"
        assert await asyncio.to_thread(Path(await download.path()).read_bytes) == PAGE
