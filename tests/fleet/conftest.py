"""A site: daemons of one fleet, each with its data folder and its robots."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from robotq.config import Config, FleetConfig, RobotConfig, StoreConfig
from robotq.daemon.assembly import Daemon, running_daemon

from .proxy import Proxy

KEY = "a key of the fleet that is long enough"
HOME = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
"""Done at once: the robots stand there from the start."""
BY_HAND = {"cmd_type": "MANUAL_STEP", "params": {"title": "Open the door"}}
"""Runs until somebody answers it."""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class Member:
    """One daemon of the site, that can come and go."""

    def __init__(
        self,
        site: Site,
        name: str,
        robots: Sequence[str],
        *,
        hub: bool,
        durable: bool = False,
        workers: str | None = None,
        away_s: float = 3,
        **fleet: Any,
    ) -> None:
        self._site = site
        self.name = name
        self.port = free_port()
        self._config = Config(
            port=self.port,
            data=site.folder / name,
            time_scale=0,
            language="en",
            robots={
                robot: RobotConfig(durability="fleet" if durable else "own") for robot in robots
            },
            store=StoreConfig(workers=workers),
            default_robot=next(iter(robots), None),
            fleet=FleetConfig(
                dsn=site.proxy.dsn,
                name=name,
                url=f"http://127.0.0.1:{self.port}",
                key=KEY,
                hub=hub,
                poll_s=0.1,
                away_s=away_s,
                **fleet,
            ),
        )
        self._stack = AsyncExitStack()
        self.daemon: Daemon | None = None

    async def start(self) -> Member:
        self.daemon = await self._stack.enter_async_context(
            running_daemon(self._config, lambda: self._config, reload=asyncio.Event())
        )
        return self

    async def stop(self) -> None:
        self.daemon = None
        try:
            async with asyncio.timeout(60):
                await self._stack.aclose()
        except TimeoutError:
            # what it hangs at is in the output of the test
            for task in asyncio.all_tasks():
                task.print_stack()
            raise

    async def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._site.http.request(
            method,
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else orjson.dumps(body),
            headers=named,
        ) as answer:
            found: dict[str, Any] = orjson.loads(await answer.read())
            return answer.status, found

    async def post(self, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        status, found = await self.ask("POST", path, body or {}, **headers)
        assert status == 200, found
        return found

    async def get(self, path: str) -> dict[str, Any]:
        status, found = await self.ask("GET", path)
        assert status == 200, found
        return found

    async def text(self, path: str) -> str:
        async with self._site.http.get(f"http://127.0.0.1:{self.port}{path}") as answer:
            assert answer.status == 200
            return await answer.text()

    async def submit(self, command: Mapping[str, Any], robot: str, **headers: str) -> str:
        body = {**command, "robot_id": robot}
        task_id: str = (await self.post("/", body, **headers))["task_id"]
        return task_id

    async def ended(self, task_id: str) -> dict[str, Any]:
        task = await self.get(f"/task/{task_id}?wait=20")
        assert task["state"] in ("completed", "failed", "cancelled"), task
        return task

    def motions(self) -> list[dict[str, Any]]:
        log = self._config.data / "simulator" / "motions.jsonl"
        lines = log.read_bytes().splitlines() if log.exists() else []
        return [orjson.loads(line) for line in lines]


class Site:
    def __init__(self, folder: Path, proxy: Proxy, http: aiohttp.ClientSession) -> None:
        self.folder = folder
        self.proxy = proxy
        self.http = http
        self.members: list[Member] = []

    async def start(
        self, name: str, *robots: str, hub: bool = False, durable: bool = False, **more: Any
    ) -> Member:
        member = Member(self, name, robots, hub=hub, durable=durable, **more)
        self.members.append(member)
        return await member.start()


@pytest.fixture
async def site(postgres: str, tmp_path: Path) -> AsyncIterator[Site]:
    proxy = Proxy(postgres)
    await proxy.start()
    async with aiohttp.ClientSession() as http:
        site = Site(tmp_path, proxy, http)
        try:
            yield site
        finally:
            proxy.mend()
            for member in reversed(site.members):
                await member.stop()
            await proxy.close()


async def until(look: Any, *, within_s: float = 15.0) -> Any:
    """What `look` gives as soon as that is true."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    while True:
        found = await look()
        if found:
            return found
        assert loop.time() < end, "it did not come to that"
        await asyncio.sleep(0.03)
