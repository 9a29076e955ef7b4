"""Pictures of every state on every screen, and what the page's own boxes say of them.

python -m tests.web.look.take FOLDER [STATE ...]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from playwright.async_api import async_playwright

from tests.web.conftest import chromium_path, site_in

from .looking import look_at
from .states import STATES


async def take(folder: Path, names: list[str]) -> int:
    wrong: list[str] = []
    async with async_playwright() as playwright, AsyncExitStack() as stack:
        path = chromium_path(playwright.chromium.executable_path)
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name in names:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            site = await site_in(data, STATES[name].config)
            stack.push_async_callback(site.stop)
            await site.start()
            await STATES[name].make(site)
            found = await look_at(browser, site, name, STATES[name], pictures=folder)
            sys.stdout.write("\n  ".join([f"{name}: {len(found)}", *found]) + "\n")
            sys.stdout.flush()
            wrong += found
            await site.stop()
        await browser.close()
    return len(wrong)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    names = sys.argv[2:] or list(STATES)
    sys.exit(min(1, asyncio.run(take(Path(sys.argv[1]), names))))
