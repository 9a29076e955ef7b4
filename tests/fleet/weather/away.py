"""The database of a fleet is away for a time: what its robots, its clients and a stop notice.

    python -m tests.fleet --away 5

Three daemons with twenty robots, and a hub, through a link that is cut. Clients submit at each
daemon; a person stops all of it at the hub, with and without the database.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from tests.fleet.processes import Node
from tests.fleet.proxy import Proxy

_ROBOTS = 20
_PAUSE_S = 0.3
"""Between two submits of one client; there are three."""
_STOPS = 100
"""In each half, which lasts as long: with fewer, p99 is the slowest one."""
_QUIET_S = 120.0


@dataclass(slots=True)
class Seen:
    accepted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    stops_with_ms: list[float] = field(default_factory=list)
    stops_without_ms: list[float] = field(default_factory=list)
    unconfirmed: int = 0
    moved_while_away: int = 0
    behind: int = 0
    """Events that waited when the database came back."""
    sent_after_s: float = 0.0
    shown_after_s: float = 0.0
    missing: int = 0


def p99(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] if ordered else 0.0


class Away:
    def __init__(self, folder: Path, dsn: str) -> None:
        self._proxy = Proxy(dsn)
        self._folder = folder
        self.labs: list[Node] = []
        self.seen = Seen()
        self._over = False

    async def run(self, away_s: float) -> Seen:
        await self._proxy.start()
        names = [f"robot_{number}" for number in range(_ROBOTS)]
        dsn = self._proxy.dsn
        self.labs = [Node(self._folder, f"lab-{lab}", dsn, names[lab::3]) for lab in range(3)]
        hub = Node(self._folder, "hub", dsn, ())
        nodes = [*self.labs, hub]
        try:
            for node in nodes:
                await asyncio.to_thread(node.start)
            timeout = aiohttp.ClientTimeout(total=20)
            async with aiohttp.ClientSession(timeout=timeout) as http:
                await self._until(lambda: self._all_known(http, nodes))
                clients = [asyncio.create_task(self._client(http, lab)) for lab in self.labs]
                await self._drills(http, hub, self.seen.stops_with_ms, away_s)
                moved = self._moved()
                self._proxy.cut()
                await self._drills(http, hub, self.seen.stops_without_ms, away_s)
                self.seen.moved_while_away = self._moved() - moved
                for lab in self.labs:
                    self.seen.behind += (await self._ask(http, lab, "GET", "/fleet"))["behind"]
                self._over = True
                await asyncio.gather(*clients)
                await self._comes_back(http, hub)
        finally:
            for node in nodes:
                node.kill()
            await self._proxy.close()
        return self.seen

    async def _drills(
        self, http: aiohttp.ClientSession, hub: Node, took_ms: list[float], within_s: float
    ) -> None:
        """At the same pace in both halves: robots that have just been stopped stop sooner."""
        until = time.monotonic() + within_s
        for number in range(_STOPS):
            took_ms.append(await self._stop(http, hub))
            left_s = until - time.monotonic()
            await asyncio.sleep(max(0.0, left_s / (_STOPS - number)))

    async def _client(self, http: aiohttp.ClientSession, lab: Node) -> None:
        """Somebody beside the robots, who knows nothing of a fleet."""
        number = 0
        while not self._over:
            robot = lab.robots[number % len(lab.robots)]
            number += 1
            place = ("SCAN_TABLE", "CHARGER")[number // len(lab.robots) % 2]
            body = {"cmd_type": "NAVIGATION", "robot_id": robot, "params": {"area": place}}
            told = await self._ask(http, lab, "POST", "/", body)
            if "task_id" in told:
                self.seen.accepted.append(told["task_id"])
            else:
                self.seen.refused.append(str(told.get("error_code", told)))
            await asyncio.sleep(_PAUSE_S)

    async def _stop(self, http: aiohttp.ClientSession, hub: Node) -> float:
        """Everything stops, is reset and goes on; how long the stop took, in milliseconds."""
        began = time.perf_counter()
        told = await self._ask(http, hub, "POST", "/estop", {"reason": "a drill"})
        took_ms = (time.perf_counter() - began) * 1000
        self.seen.unconfirmed += sum(not one["confirmed"] for one in told["fleet"].values())
        for stop in (await self._ask(http, hub, "GET", "/fleet"))["stops"]:
            await self._ask(http, hub, "POST", f"/fleet/stops/{stop['stop_id']}/reset", {})
        for lab in self.labs:
            await self._go_on(http, lab)
        return took_ms

    async def _go_on(self, http: aiohttp.ClientSession, lab: Node) -> None:
        tasks = await self._ask(http, lab, "GET", "/tasks?error_code=outcome_unknown&limit=100")
        for line in tasks["tasks"]:
            task = await self._ask(http, lab, "GET", f"/task/{line['task_id']}")
            if not task.get("resolution"):
                body = {"outcome": "failed", "revision": task["revision"]}
                await self._ask(http, lab, "POST", f"/task/{line['task_id']}/resolve", body)
        holds = (await self._ask(http, lab, "GET", "/queue/status"))["holds"]
        if holds:
            named = {"holds": [hold["id"] for hold in holds]}
            await self._ask(http, lab, "POST", "/queue/resume", named)

    async def _comes_back(self, http: aiohttp.ClientSession, hub: Node) -> None:
        self._proxy.mend()
        began = time.monotonic()
        await self._until(lambda: self._sent(http))
        self.seen.sent_after_s = time.monotonic() - began
        missing = set(self.seen.accepted)
        while missing and time.monotonic() - began < _QUIET_S:
            missing = await self._missing(http, hub, missing)
        self.seen.shown_after_s = time.monotonic() - began
        self.seen.missing = len(missing)

    async def _sent(self, http: aiohttp.ClientSession) -> bool:
        looks = [await self._ask(http, lab, "GET", "/fleet") for lab in self.labs]
        # what happens now comes a moment later, as always
        return all(look.get("database") is None and look["behind"] < 20 for look in looks)

    async def _missing(self, http: aiohttp.ClientSession, hub: Node, wanted: set[str]) -> set[str]:
        left, cursor = set(wanted), ""
        while left:
            page = await self._ask(http, hub, "GET", f"/fleet/tasks?limit=500{cursor}")
            left -= {one["task"]["task_id"] for one in page.get("tasks", ())}
            if not page.get("next_cursor"):
                return left
            cursor = f"&cursor={page['next_cursor']}"
        return left

    async def _all_known(self, http: aiohttp.ClientSession, nodes: Sequence[Node]) -> bool:
        for node in nodes:
            told = await self._ask(http, node, "GET", "/fleet")
            if len(told.get("daemons", ())) < len(nodes):
                return False
        return True

    async def _until(self, ready: Any) -> None:
        until = time.monotonic() + _QUIET_S
        while not await ready():
            if time.monotonic() > until:
                raise RuntimeError("the fleet did not come to that")
            await asyncio.sleep(0.05)

    def _moved(self) -> int:
        return sum(len(lab.motions()) for lab in self.labs)

    async def _ask(
        self, http: aiohttp.ClientSession, node: Node, method: str, path: str, body: Any = None
    ) -> Any:
        content = None if body is None else orjson.dumps(body)
        with suppress(TimeoutError, aiohttp.ClientError, ValueError):
            async with http.request(method, node.url + path, data=content) as answer:
                return orjson.loads(await answer.read())
        return {}
