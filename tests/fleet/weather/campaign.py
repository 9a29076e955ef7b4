"""A fleet in bad weather: daemons die and freeze, links are cut and stall, the database is started
again, workers die, clients ask again.

    python -m tests.fleet --minutes 5 --seed 1

The robots' own logs of motions judge, and those of the workers: nothing accepted is lost, nothing
moves twice, and when all is quiet again the fleet tells the same as the daemons.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import aiohttp

from tests.fleet.processes import WORKER_LEASE_S, Node

from .clients import Clients
from .found import Found
from .judge import Judge
from .person import Person, asked
from .site import Setting
from .workers import Workers

_CLIENTS = 4
_CLIENTS_OF_WORKERS = 2
_QUIET_S = 240.0
"""Wall seconds in which everything has to come to its end when the weather is good again."""
_LOOK_S = 0.25
_POINTS = (
    "fleet_taking",
    "fleet_taken",
    "accepted",
    "claimed",
    "started",
    "finish",
    "fleet_given",
    "fleet_adopted",
    "fleet_looked",
)
_KINDS = ("kill", "kill", "kill at a point", "freeze", "cut", "stall", "stop")


class Campaign:
    def __init__(
        self,
        folder: Path,
        dsn: str,
        *,
        seed: int,
        robots: int = 6,
        shared: int = 2,
        workers: int = 0,
        durable: bool = False,
        restart: Callable[[bool], None] | None = None,
    ) -> None:
        """`shared`: how many of the robots have two machines. `restart` ends the database, in
        order or at once (True), and starts it again."""
        self._random = random.Random(seed)
        self._seed = seed
        self._restart_database = restart
        self._setting = Setting(
            folder, dsn, robots=robots, shared=shared, durable=durable, workers=workers > 0
        )
        self._count = workers
        self._workers: Workers
        self.found = Found()
        self._recovering: asyncio.Task[None] | None = None

    async def run(self, weather_s: float) -> Found:
        setting = self._setting
        await setting.open()
        urls = [node.url for node in setting.nodes]
        self._workers = Workers(setting.folder, urls, seed=self._seed, count=self._count)
        try:
            await asyncio.gather(*(asyncio.to_thread(node.start) for node in setting.nodes))
            self._workers.start()
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=8)) as http:
                await self._campaign(http, weather_s)
        finally:
            self._workers.end()
            await setting.close()
        return self.found

    async def _campaign(self, http: aiohttp.ClientSession, weather_s: float) -> None:
        setting, found = self._setting, self.found
        clients = Clients(setting, found, http, self._seed)
        person = Person(setting.labs, found, http)
        await self._recovered(http)
        async with asyncio.TaskGroup() as people:
            walking = people.create_task(person.goes_round())
            submitting = [
                people.create_task(clients.commands_for_robots(number))
                for number in range(_CLIENTS)
            ]
            submitting += [
                people.create_task(clients.tasks_for_workers(number))
                for number in range(_CLIENTS_OF_WORKERS if self._count else 0)
            ]
            await self._weather(http, time.monotonic() + weather_s)
            clients.over = True
            await self._calm()
            await asyncio.wait(submitting)
            began = time.monotonic()
            await self._until_quiet(http, clients)
            found.quiet_after_s = round(time.monotonic() - began, 1)
            walking.cancel()
        judge = Judge(setting, clients, found, http)
        await judge.robots()
        await judge.workers(self._workers)

    # -- what goes wrong ------------------------------------------------------------------------

    async def _weather(self, http: aiohttp.ClientSession, until: float) -> None:
        kinds = [*_KINDS]
        kinds += ["restart"] if self._restart_database is not None else []
        kinds += ["kill workers"] if self._count else []
        while time.monotonic() < until:
            await asyncio.sleep(self._random.uniform(0.5, 4.0))
            if self._recovering is not None:
                self._recovering.cancel()
                await asyncio.gather(self._recovering, return_exceptions=True)
            kind = self._random.choice(kinds)
            self.found.weather[kind] += 1
            await getattr(self, "_" + kind.replace(" ", "_"))()
            self._recovering = asyncio.create_task(self._measured(http, kind))

    async def _measured(self, http: aiohttp.ClientSession, kind: str) -> None:
        began = time.monotonic()
        await self._recovered(http)
        self.found.recovery_s[kind].append(round(time.monotonic() - began, 2))

    async def _recovered(self, http: aiohttp.ClientSession) -> None:
        """Each daemon answers, and has the database."""
        for node in self._setting.nodes:
            while True:
                told = await asked(http, node, "/fleet")
                if told and not told["database"]:
                    break
                await asyncio.sleep(_LOOK_S)

    async def _kill(self) -> None:
        node = self._random.choice(self._setting.nodes)
        await asyncio.to_thread(node.kill)
        await asyncio.sleep(self._random.choice((0.0, 1.0, 4.0)))
        await asyncio.to_thread(node.start)

    async def _kill_at_a_point(self) -> None:
        node = self._random.choice(self._setting.labs)
        point = self._random.choice(_POINTS)
        await asyncio.to_thread(node.kill)
        environ = {"ROBOTQ_CRASH_POINT": f"{point}:{self._random.randint(1, 3)}"}
        with suppress(TimeoutError):
            await asyncio.to_thread(lambda: node.start(environ=environ))
        for _ in range(30):
            if not node.process.alive():
                break
            await asyncio.sleep(0.1)
        await asyncio.to_thread(node.kill)
        await asyncio.to_thread(node.start)

    async def _freeze(self) -> None:
        """For longer than the lease of a robot with two machines, or not."""
        node = self._random.choice(self._setting.nodes)
        node.freeze()
        await asyncio.sleep(self._random.uniform(1.0, 6.0))
        node.thaw()

    async def _cut(self) -> None:
        self._setting.proxy.cut()
        await asyncio.sleep(self._random.uniform(0.2, 5.0))
        self._setting.proxy.mend()

    async def _stall(self) -> None:
        self._setting.proxy.stall()
        await asyncio.sleep(self._random.uniform(0.2, 7.0))
        self._setting.proxy.mend()

    async def _stop(self) -> None:
        """Somebody restarts a daemon in order."""
        node = self._random.choice(self._setting.nodes)
        if node.process.alive():
            with suppress(TimeoutError):
                await asyncio.to_thread(node.process.terminate)
        await asyncio.to_thread(node.start)

    async def _restart(self) -> None:
        """The database."""
        assert self._restart_database is not None
        await asyncio.to_thread(self._restart_database, self._random.random() < 0.5)

    async def _kill_workers(self) -> None:
        self._workers.kill(self._random.randrange(4))
        self._workers.start()

    async def _calm(self) -> None:
        self._setting.proxy.mend()
        for node in self._setting.nodes:
            node.thaw()
            if not node.process.alive():
                await asyncio.to_thread(node.start)

    # -- when it is quiet again -----------------------------------------------------------------

    async def _until_quiet(self, http: aiohttp.ClientSession, clients: Clients) -> None:
        until = time.monotonic() + _QUIET_S + (WORKER_LEASE_S if self._count else 0)
        waits: list[str] = []
        while time.monotonic() < until:
            waits = [what for node in self._setting.nodes async for what in _waits(http, node)]
            if not waits and await self._workers_are_done(http, clients):
                return
            await asyncio.sleep(0.5)
        self.found.violations.append(f"stuck: not quiet after {_QUIET_S:g} s: {waits}")

    async def _workers_are_done(self, http: aiohttp.ClientSession, clients: Clients) -> bool:
        if not clients.tasks:
            return True
        told = await asked(http, self._setting.labs[0], "/workers")
        queue = (told or {}).get("queues", {}).get("task_queue")
        return queue is not None and not queue["waiting"] and not queue["running"]


async def _waits(http: aiohttp.ClientSession, node: Node) -> AsyncIterator[str]:
    status = await asked(http, node, "/queue/status")
    fleet = await asked(http, node, "/fleet")
    if not status or not fleet:
        yield f"{node.name} does not answer"
        return
    found = {
        "in the queues": status["queue_size"],
        "in the inbox": fleet["waiting"],
        "without the database": fleet["database"],
        "to be sent": fleet.get("behind"),
    }
    for where, what in found.items():
        if what:
            yield f"{what} {where} of {node.name}"
