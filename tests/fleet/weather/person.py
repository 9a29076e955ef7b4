"""A person who goes from robot to robot, looks, and says what became of a command."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import aiohttp
import orjson

from tests.fleet.processes import Node

from .found import Found

_ROUND_S = 3.0


async def asked(http: aiohttp.ClientSession, node: Node, path: str) -> Any:
    """Its answer; None where it gives none, or one that is an error."""
    with suppress(TimeoutError, aiohttp.ClientError, ValueError):
        async with http.get(node.url + path) as answer:
            told = orjson.loads(await answer.read())
            return told if answer.status == 200 else None
    return None


class Person:
    def __init__(self, labs: list[Node], found: Found, http: aiohttp.ClientSession) -> None:
        self._labs = labs
        self._found = found
        self._http = http

    async def goes_round(self) -> None:
        while True:
            for lab in self._labs:
                await self.looks_at(lab)
            await asyncio.sleep(_ROUND_S)

    async def looks_at(self, lab: Node) -> None:
        tasks = await asked(self._http, lab, "/tasks?error_code=outcome_unknown&limit=100")
        for line in (tasks or {}).get("tasks", ()):
            task = await asked(self._http, lab, f"/task/{line['task_id']}")
            if task and not task.get("resolution"):
                body = {"outcome": "failed", "revision": task["revision"]}
                self._found.decided += await self._post(
                    lab, f"/task/{line['task_id']}/resolve", body
                )
        look = await asked(self._http, lab, "/queue/status")
        holds = [hold["id"] for hold in (look or {}).get("holds", ())]
        if holds:
            await self._post(lab, "/queue/resume", {"holds": holds})

    async def _post(self, node: Node, path: str, body: dict[str, Any]) -> bool:
        with suppress(TimeoutError, aiohttp.ClientError):
            async with self._http.post(node.url + path, data=orjson.dumps(body)) as answer:
                await answer.read()
                return answer.status == 200
        return False
