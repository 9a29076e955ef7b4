"""Clients of one life of the daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from .ledger import Ledger

NO_DISK = "store_unavailable"


class Gone(Exception):
    """The daemon died before it answered."""


class Client:
    """Requests to one life of a daemon. What it should never answer goes into the ledger."""

    def __init__(
        self, session: aiohttp.ClientSession, ledger: Ledger, *, disk_fails: bool = False
    ) -> None:
        """`disk_fails`: it may say that it cannot write."""
        self._session = session
        self._ledger = ledger
        self.disk_fails = disk_fails

    def no_disk(self, status: int, answer: Any) -> bool:
        """Whether this is the answer of a daemon that cannot write, and may not be able to."""
        told = answer.get("error_code") == NO_DISK or answer.get("status") == "unavailable"
        return self.disk_fails and status == 503 and told

    async def get(self, path: str) -> tuple[int, Any]:
        return await self._ask("GET", path, None, {})

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> tuple[int, Any]:
        headers = {} if key is None else {"Idempotency-Key": key}
        asked = path.partition("?")[0]
        if asked in ("/queue/resume", "/estop/reset") and "holds" not in (body or {}):
            # people name what they see
            action = asked.rpartition("/")[2]
            _, queue = await self.get("/queue/status?limit=0")
            robot = (body or {}).get("robot_id")
            named = [
                one["id"]
                for one in queue.get("holds", ())
                if one["clear"]["action"] == action and robot in (None, one["robot_id"])
            ]
            body = {**(body or {}), **({"holds": named} if named else {})}
        return await self._ask("POST", path, orjson.dumps(body or {}), headers)

    async def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        try:
            async with self._session.request(method, path, data=body, headers=headers) as response:
                answer = orjson.loads(await response.read())
        except TimeoutError as error:
            self._ledger.contradictions.append(f"{method} {path}: no answer")
            raise Gone(f"{method} {path}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Gone(f"{method} {path}") from error
        if response.status >= 500 and not self.no_disk(response.status, answer):
            self._ledger.contradictions.append(f"{method} {path}: {response.status} {answer}")
        return response.status, answer

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """What the stream of events tells after what was heard before."""
        last = max(self._ledger.events, default=0)
        try:
            async with self._session.get(
                f"/events?last_event_id={last}", timeout=aiohttp.ClientTimeout(total=None)
            ) as response:
                async for line in response.content:
                    if line.startswith(b"data: "):
                        yield orjson.loads(line[6:])
        except (aiohttp.ClientError, OSError) as error:
            raise Gone("the stream") from error
        raise Gone("the stream ended")


@asynccontextmanager
async def connected(url: str, ledger: Ledger, *, disk_fails: bool = False) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(
        url,
        headers={"Accept-Language": "en"},
        timeout=aiohttp.ClientTimeout(total=30),
    ) as session:
        yield Client(session, ledger, disk_fails=disk_fails)
