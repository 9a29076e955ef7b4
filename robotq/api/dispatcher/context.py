"""What the handlers of the dispatcher interface find on the application."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from robotq.api.connections.share import Share
from robotq.api.dispatcher.answers import API
from robotq.api.dispatcher.log import DispatchLog
from robotq.api.http.interface import Shared
from robotq.web.files import WebFile, read_folder
from robotq.workers import Hub


class Pages:
    """The files of this interface's pages, read when somebody asks for the first."""

    def __init__(self) -> None:
        self._files: Mapping[str, WebFile] | None = None

    async def get(self, name: str) -> WebFile | None:
        if self._files is None:
            self._files = await asyncio.to_thread(read_folder, "dispatcher")
        return self._files.get(name)


HUB = web.AppKey("dispatcher_hub", Hub)
SHARE = web.AppKey("dispatcher_share", Share)
LOG = web.AppKey("dispatcher_log", DispatchLog)
PAGES = web.AppKey("dispatcher_pages", Pages)


def hub(shared: Shared) -> Mapping[web.AppKey[Any], Any]:
    """From the start on: workers of the run before have a minute to come back, whether somebody
    asks for this interface or not."""
    return {HUB: Hub(shared.workers, API)}
