"""A fleet in bad weather: daemons die and freeze, links are cut and stall, clients ask again.

    python -m tests.fleet --minutes 5 --seed 1

The robots' own motion logs judge: nothing accepted is lost, nothing moves twice, and when all is
quiet again the fleet tells the same as the daemons.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from .processes import Node
from .proxy import Proxy

_PLACES = ("SCAN_TABLE", "SPLIT_TABLE", "CHROMATOGRAPH", "HOME", "CHARGER")
_CLIENTS = 4
_QUIET_S = 240.0
"""Wall seconds in which everything has to come to its end when the weather is good again."""


@dataclass(slots=True)
class Found:
    accepted: int = 0
    repeated: int = 0
    weather: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    recovery_s: list[float] = field(default_factory=list)


class Campaign:
    def __init__(
        self, folder: Path, dsn: str, *, seed: int, robots: int = 6, durable: bool = False
    ) -> None:
        self._random = random.Random(seed)
        self._seed = seed
        self._folder = folder
        self._proxy = Proxy(dsn)
        self._robots = robots
        self._durable = durable
        self.nodes: list[Node] = []
        self.found = Found()
        self._tasks: dict[str, str] = {}
        """Key -> the task that some door has answered."""
        self._robot_of: dict[str, str] = {}
        self._over = False

    async def run(self, weather_s: float) -> Found:
        await self._proxy.start()
        names = [f"robot_{number}" for number in range(self._robots)]
        labs = [
            Node(
                self._folder,
                f"lab-{lab}",
                self._proxy.dsn,
                names[lab::3],
                durable=names if self._durable else (),
            )
            for lab in range(3)
        ]
        hubs = [Node(self._folder, f"hub-{hub}", self._proxy.dsn, ()) for hub in range(2)]
        self.nodes = [*labs, *hubs]
        try:
            await asyncio.gather(*(asyncio.to_thread(node.start) for node in self.nodes))
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=8)) as http:
                await asyncio.sleep(3)
                clients = [
                    asyncio.create_task(self._client(http, number)) for number in range(_CLIENTS)
                ]
                await self._weather(time.monotonic() + weather_s)
                self._over = True
                await self._calm()
                await asyncio.gather(*clients)
                began = time.monotonic()
                await self._until_quiet(http, labs)
                self.found.recovery_s.append(round(time.monotonic() - began, 1))
                await self._judge(http, labs, hubs)
        finally:
            for node in self.nodes:
                node.thaw()
                node.kill()
            await self._proxy.close()
        return self.found

    # -- what goes wrong ------------------------------------------------------------------------

    async def _weather(self, until: float) -> None:
        while time.monotonic() < until:
            await asyncio.sleep(self._random.uniform(0.5, 3.0))
            kind = self._random.choice(
                ("kill", "kill", "kill at a point", "freeze", "cut", "stall", "stop")
            )
            self.found.weather[kind] += 1
            await getattr(self, "_" + kind.replace(" ", "_"))()

    async def _kill(self) -> None:
        node = self._random.choice(self.nodes)
        await asyncio.to_thread(node.kill)
        await asyncio.sleep(self._random.choice((0.0, 1.0, 4.0)))
        await asyncio.to_thread(node.start)

    async def _kill_at_a_point(self) -> None:
        node = self._random.choice(self.nodes[:3])
        point = self._random.choice(("fleet_taking", "fleet_taken", "accepted", "claimed"))
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
        node = self._random.choice(self.nodes)
        node.freeze()
        await asyncio.sleep(self._random.uniform(1.0, 6.0))
        node.thaw()

    async def _cut(self) -> None:
        self._proxy.cut()
        await asyncio.sleep(self._random.uniform(0.2, 5.0))
        self._proxy.mend()

    async def _stall(self) -> None:
        self._proxy.stall()
        await asyncio.sleep(self._random.uniform(0.2, 7.0))
        self._proxy.mend()

    async def _stop(self) -> None:
        """Somebody restarts a daemon in order."""
        node = self._random.choice(self.nodes)
        if node.process.alive():
            with suppress(TimeoutError):
                await asyncio.to_thread(node.process.terminate)
        await asyncio.to_thread(node.start)

    async def _calm(self) -> None:
        self._proxy.mend()
        for node in self.nodes:
            node.thaw()
            if not node.process.alive():
                await asyncio.to_thread(node.start)

    # -- who submits ----------------------------------------------------------------------------

    async def _client(self, http: aiohttp.ClientSession, number: int) -> None:
        chance = random.Random(f"{self._seed}:{number}")
        count = 0
        while not self._over:
            count += 1
            key = f"{number}-{count}"
            robot = f"robot_{chance.randrange(self._robots)}"
            self._robot_of[key] = robot
            body = {
                "cmd_type": "NAVIGATION",
                "cmd_id": key,
                "robot_id": robot,
                "params": {"area": chance.choice(_PLACES)},
            }
            await self._insist(http, chance, key, body)
            await asyncio.sleep(chance.uniform(0.05, 0.5))

    async def _insist(
        self, http: aiohttp.ClientSession, chance: random.Random, key: str, body: dict[str, Any]
    ) -> None:
        """Send it at one door after the other until one answers, and sometimes once more."""
        answers = 0
        wanted = 2 if chance.random() < 0.3 else 1
        until = time.monotonic() + 180
        while answers < wanted and time.monotonic() < until:
            node = chance.choice(self.nodes)
            try:
                async with http.post(
                    node.url, data=orjson.dumps(body), headers={"Idempotency-Key": key}
                ) as answer:
                    told = orjson.loads(await answer.read())
            except (TimeoutError, aiohttp.ClientError, ValueError):
                await asyncio.sleep(0.2)
                continue
            if answer.status == 200:
                answers += 1
                self.found.accepted += answers == 1
                self.found.repeated += answers > 1
                self._tasks.setdefault(key, told["task_id"])
            else:
                await asyncio.sleep(0.2)

    # -- when it is quiet again -----------------------------------------------------------------

    async def _until_quiet(self, http: aiohttp.ClientSession, labs: Sequence[Node]) -> None:
        until = time.monotonic() + _QUIET_S
        while time.monotonic() < until:
            open_ = 0
            for lab in labs:
                status = await self._get(http, lab, "/queue/status")
                open_ += status["queue_size"] if status else 1
                await self._look_at_holds(http, lab)
            fleet = await self._get(http, labs[0], "/fleet")
            if fleet and open_ == 0 and not fleet["waiting"] and not fleet["database"]:
                return
            await asyncio.sleep(0.5)
        self.found.violations.append(f"stuck: not quiet after {_QUIET_S:g} s")

    async def _look_at_holds(self, http: aiohttp.ClientSession, lab: Node) -> None:
        """A person looks at the robot and says what became of a command."""
        tasks = await self._get(http, lab, "/tasks?error_code=outcome_unknown&limit=100")
        for line in (tasks or {}).get("tasks", ()):
            task = await self._get(http, lab, f"/task/{line['task_id']}")
            if task and not task.get("resolution"):
                body = {"outcome": "failed", "revision": task["revision"]}
                await self._post(http, lab, f"/task/{line['task_id']}/resolve", body)
        look = await self._get(http, lab, "/queue/status")
        holds = [hold["id"] for hold in (look or {}).get("holds", ())]
        if holds:
            await self._post(http, lab, "/queue/resume", {"holds": holds})

    async def _get(self, http: aiohttp.ClientSession, node: Node, path: str) -> Any:
        with suppress(TimeoutError, aiohttp.ClientError, ValueError):
            async with http.get(node.url + path) as answer:
                return orjson.loads(await answer.read())
        return None

    async def _post(
        self, http: aiohttp.ClientSession, node: Node, path: str, body: dict[str, Any]
    ) -> None:
        with suppress(TimeoutError, aiohttp.ClientError):
            async with http.post(node.url + path, data=orjson.dumps(body)) as answer:
                await answer.read()

    async def _judge(
        self, http: aiohttp.ClientSession, labs: Sequence[Node], hubs: Sequence[Node]
    ) -> None:
        wrong = self.found.violations
        by_key: dict[str, set[str]] = {}
        for lab in labs:
            seen: Counter[tuple[Any, ...]] = Counter()
            for line in lab.motions():
                if line["robot"] not in lab.robots:
                    wrong.append(f"wrong: {line['robot']} moved at {lab.name}")
                seen[line["task_id"], line["step"], orjson.dumps(line["motion"])] += 1
                if line["attempt"] > 1:
                    wrong.append(f"doubled: {line['task_id']} began again")
            wrong += [f"doubled: {where}" for where, times in seen.items() if times > 1]
            moved = {task_id for task_id, *_ in seen}
            cursor = ""
            while True:
                page = await self._get(http, lab, f"/tasks?limit=100{cursor}")
                for task in (page or {}).get("tasks", ()):
                    by_key.setdefault(task["cmd_id"], set()).add(task["task_id"])
                    self.found.ends[task.get("error_code") or task["state"]] += 1
                    moved.discard(task["task_id"])
                    await self._compare(http, hubs[0], lab, task)
                if not page or page["next_cursor"] is None:
                    break
                cursor = f"&cursor={page['next_cursor']}"
            wrong += [f"wrong: {task_id} moved and is nowhere" for task_id in moved]
        wrong += [f"doubled: {key} is {ids}" for key, ids in by_key.items() if len(ids) > 1]
        wrong += [f"lost: {key} ({self._tasks[key]})" for key in self._tasks if key not in by_key]

    async def _compare(
        self, http: aiohttp.ClientSession, hub: Node, lab: Node, task: dict[str, Any]
    ) -> None:
        there = None
        for _ in range(40):
            there = await self._get(http, hub, f"/task/{task['task_id']}")
            if there and there.get("state") == task["state"]:
                return
            await asyncio.sleep(0.25)
        self.found.violations.append(
            f"wrong: {task['task_id']} is {task['state']} at {lab.name}, and in the fleet "
            f"{(there or {}).get('state')}"
        )
