"""The place of an interface that is made when the first request for it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from aiohttp import web
from yarl import URL


class Later(web.AbstractResource):
    """All paths below a prefix. The application that answers there is made in a thread: whoever
    asks first waits for it, and nobody else does."""

    def __init__(self, prefix: str, make: Callable[[], web.Application]) -> None:
        """`make` is called once, in a thread; its paths have the prefix in them."""
        super().__init__()
        self._prefix = prefix
        self._make = make
        self._making: asyncio.Future[web.Application] | None = None

    @property
    def canonical(self) -> str:
        return self._prefix

    async def resolve(self, request: web.Request) -> tuple[web.UrlMappingMatchInfo, set[str]]:
        app = await self._made()
        found = await app.router.resolve(request)
        found.add_app(app)
        return found, set()

    async def _made(self) -> web.Application:
        if self._making is None or (self._making.done() and self._making.exception() is not None):
            self._making = asyncio.ensure_future(asyncio.to_thread(self._frozen))
        # one client that goes away leaves the others what they wait for
        return await asyncio.shield(self._making)

    def _frozen(self) -> web.Application:
        app = self._make()
        app.freeze()
        return app

    def raw_match(self, path: str) -> bool:
        return path == self._prefix

    def get_info(self) -> Any:
        return {"prefix": self._prefix}

    def url_for(self, **_kwargs: str) -> URL:
        raise RuntimeError("an interface has many URLs")

    def add_prefix(self, _prefix: str) -> None:
        raise RuntimeError("an interface stands where the documentation says")

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return iter(())
