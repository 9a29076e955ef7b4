"""A real daemon and a real browser."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from robotq.config import Config, load_config, packaged
from robotq.daemon.assembly import running_daemon

MISSING = (
    "no Chromium here: install one with `apt-get install chromium-headless-shell`, or with "
    "`python -m playwright install chromium`; the variable CHROMIUM names one that is elsewhere"
)
_FLAGS = ("--no-sandbox", "--no-zygote", "--in-process-gpu", "--disable-gpu")
"""As few processes as it gets by with: with them a page costs a third of the processor time."""
_WAIT_MS = 15_000
expect.set_options(timeout=_WAIT_MS)


def chromium_path(of_playwright: str) -> str | None:
    """Where a Chromium of this machine is, None where there is none."""
    named = os.environ.get("CHROMIUM")
    # the shell is the same browser without its own windows, for half of the work
    whole = ("chromium", "chromium-browser", "google-chrome")
    names = (named,) if named else ("chromium-headless-shell", *whole, of_playwright)
    return next((path for name in names if (path := shutil.which(name))), None)


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """Skips the test where there is none."""
    async with async_playwright() as playwright:
        path = await asyncio.to_thread(chromium_path, playwright.chromium.executable_path)
        if path is None:
            pytest.skip(MISSING)
        browser = await playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests; each has a profile of its own."""
    async with running_browser() as browser:
        yield browser


@dataclass(slots=True)
class Site:
    """A daemon that can go away and come back at the same address."""

    config: Callable[..., Config]
    port: int = 0
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        config = await asyncio.to_thread(self.config, port=self.port)
        daemon = running_daemon(config, lambda: config, reload=asyncio.Event())
        self.port = (await self._stack.enter_async_context(daemon)).addresses[0][1]

    async def stop(self) -> None:
        await self._stack.aclose()
        self._stack = AsyncExitStack()


StartSite = Callable[..., Awaitable[Site]]


async def site_in(folder: Path, changes: Mapping[str, Any]) -> Site:
    """A daemon that is not started yet. Its second bottle cannot be read."""
    lab = await asyncio.to_thread(_unreadable_lab, folder)

    def config(**more: Any) -> Config:
        return load_config(
            None,
            {},
            {
                "data": str(folder / "data"),
                "time_scale": 0.02,
                "limits.shutdown_grace_s": 0,
                "robots.robot_a.options": {"lab": str(lab)},
                "robots.robot_b.options": {"lab": str(lab)},
                **changes,
                **more,
            },
        )

    return Site(config)


@pytest_asyncio.fixture(loop_scope="package")
async def start_site(tmp_path: Path) -> AsyncIterator[StartSite]:
    """Start a daemon: `await start_site(time_scale=0.05)`. Its second bottle cannot be read."""
    async with AsyncExitStack() as stack:

        async def start(**changes: Any) -> Site:
            site = await site_in(tmp_path, changes)
            await site.start()
            stack.push_async_callback(site.stop)
            return site

        yield start


def _unreadable_lab(folder: Path) -> Path:
    before, after = packaged("lab.yaml").read_text(encoding="utf-8").split("id: bottle_002")
    lab = folder / "lab.yaml"
    lab.write_text(
        before + "id: bottle_002" + after.replace("readable: true", "readable: false", 1),
        encoding="utf-8",
    )
    return lab


@dataclass(slots=True)
class Screen:
    """A page and everything that it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()
    """Parts of complaints that belong to the story."""

    def unexpected(self) -> list[str]:
        return [text for text in self.complaints if not any(part in text for part in self.expected)]


OpenPage = Callable[..., Any]


@pytest.fixture
def open_page(chromium: Browser) -> OpenPage:
    """`async with open_page(site, width=390, theme="dark", language="zh-CN") as screen`. At the
    end nothing may have been complained about on the console."""

    @asynccontextmanager
    async def opened(
        site: Site,
        view: str = "",
        *,
        width: int = 1920,
        height: int = 1080,
        theme: Any = "light",
        language: str = "en-US",
    ) -> AsyncIterator[Screen]:
        context = await chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            locale=language,
            # what glides is drawn sixty times a second, by this machine's processor
            reduced_motion="reduce",
        )
        context.set_default_timeout(_WAIT_MS)
        page = await context.new_page()
        screen = Screen(page)

        def on_console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                screen.complaints.append(message.text)

        page.on("console", on_console)
        page.on("pageerror", lambda error: screen.complaints.append(str(error)))
        await page.goto(f"{site.url}/dashboard{view}")
        try:
            yield screen
        finally:
            await context.close()
        assert screen.unexpected() == []

    return opened
