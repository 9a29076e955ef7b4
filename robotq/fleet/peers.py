"""Requests from daemon to daemon: directly, over HTTP, under the key of the fleet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import orjson

from robotq.fleet.own import Own

_CALLER = "X-Robotq-Fleet-Caller"
"""As `api.access.guard` reads it."""

_CONNECTIONS = 64


class PeerAway(Exception):
    """Another daemon cannot be reached, or has not answered in time. What was asked of it may have
    been done."""


class Peers:
    """The other daemons, by the addresses under which they joined the fleet."""

    def __init__(self, own: Own, key: str | None) -> None:
        self._own = own
        self._key = key
        self._session: aiohttp.ClientSession | None = None

    @property
    def names(self) -> Sequence[str]:
        return tuple(self._own.peers)

    def url(self, name: str) -> str | None:
        peer = self._own.peers.get(name)
        return None if peer is None else peer.url

    async def ask(
        self,
        name: str,
        method: str,
        path: str,
        *,
        caller: Mapping[str, Any],
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        deadline_s: float,
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Status, body and headers of the answer. Raises PeerAway."""
        url = self.url(name)
        if url is None:
            raise PeerAway(f"{name} has not said where it is reached (fleet.url)")
        if self._key is None:
            raise PeerAway("this daemon has no key of the fleet (fleet.key)")
        sent = {
            **(headers or {}),
            "Authorization": f"Bearer {self._key}",
            _CALLER: orjson.dumps(dict(caller)).decode("ascii", "backslashreplace"),
        }
        try:
            async with asyncio.timeout(deadline_s):
                async with self._opened().request(
                    method, url.rstrip("/") + path, data=body, headers=sent, allow_redirects=False
                ) as answer:
                    return answer.status, await answer.read(), answer.headers
        except TimeoutError as error:
            raise PeerAway(f"no answer from {name} within {deadline_s:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PeerAway(f"{name} cannot be reached: {error}") from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=60),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
