"""Says what was lost, doubled or wrong: robots and workers have written down what they did."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import aiohttp
import orjson

from tests.fleet.processes import Node

from .clients import Clients
from .found import Found
from .person import asked
from .site import Setting
from .workers import Workers

_AT_ONCE = 4
_SKEW_S = 0.1
"""Between the clock that a worker read and what the daemon wrote: one is read before the other."""


def command_of(task_id: str) -> str:
    """A command that went to another machine and came back has a number behind its id."""
    return task_id.partition("-")[0]


class Judge:
    def __init__(
        self, setting: Setting, clients: Clients, found: Found, http: aiohttp.ClientSession
    ) -> None:
        self._setting = setting
        self._clients = clients
        self._found = found
        self._http = http

    async def robots(self) -> None:
        wrong = self._found.violations
        moved: set[str] = set()
        for lab in self._setting.labs:
            lines = lab.motions()
            moved |= {command_of(line["task_id"]) for line in lines}
            wrong += [
                f"wrong: {line['robot']} moved at {lab.name}"
                for line in lines
                if line["robot"] not in lab.robots
            ]
            wrong += once(lines, lab.name)
        for device in self._setting.devices:
            lines = device.motions()
            moved |= {command_of(line["task_id"]) for line in lines}
            wrong += once(lines, device.name)

        by_key: defaultdict[str, set[str]] = defaultdict(set)
        by_id: defaultdict[str, set[str]] = defaultdict(set)
        known: set[str] = set()
        for lab in self._setting.labs:
            tasks = [task async for task in self._tasks(lab)]
            for task in tasks:
                command = command_of(task["task_id"])
                # one that was told as refused, for the disk took it too late, was called off
                if task["state"] != "cancelled" or command in moved:
                    by_key[task["cmd_id"]].add(command)
                known.add(command)
            mine = [task for task in tasks if task.get("error_code") != "handed_over"]
            self._found.handed_over += len(tasks) - len(mine)
            self._found.ends.update(task.get("error_code") or task["state"] for task in mine)
            wrong += [
                f"stuck: {task['task_id']} is {task['state']} at {lab.name}: {task.get('why')}"
                for task in mine
                if task["state"] not in ("completed", "failed", "cancelled")
            ]
            for task in mine:
                by_id[task["task_id"]].add(task["state"])
        await _few_at_once(self._compare(*one) for one in by_id.items())
        wrong += [f"wrong: {task_id} moved and is nowhere" for task_id in moved - known]
        wrong += [f"doubled: {key} is {ids}" for key, ids in by_key.items() if len(ids) > 1]
        accepted = self._clients.commands
        wrong += [f"lost: {key} ({accepted[key]})" for key in accepted if key not in by_key]
        await _few_at_once(self._is_one(key, ids) for key, ids in accepted.items() if len(ids) > 1)

    async def _is_one(self, key: str, ids: Iterable[str]) -> None:
        """Whoever asks for what two doors have answered is told of one task."""
        hub = self._setting.hubs[0]
        told = [await asked(self._http, hub, f"/task/{task_id}") or {} for task_id in ids]
        if len({command_of(task.get("task_id", "")) for task in told}) > 1:
            self._found.violations.append(f"doubled: {key} was answered with {ids}")

    async def workers(self, workers: Workers) -> None:
        wrong = self._found.violations
        begun = workers.begun()
        self._found.begun_by_workers = len(begun)
        ids: defaultdict[int, set[str]] = defaultdict(set)
        claims: Counter[tuple[str, int]] = Counter()
        last: defaultdict[str, float] = defaultdict(float)
        for line in begun:
            ids[line["number"]].add(line["task_id"])
            claims[line["task_id"], line["token"]] += 1
            last[line["task_id"]] = max(last[line["task_id"]], line["at_s"])
        wrong += [
            f"doubled: number {number} is {found}"
            for number, found in ids.items()
            if len(found) > 1
        ]
        wrong += [
            f"doubled: {claim} was given to two" for claim, times in claims.items() if times > 1
        ]

        async def look(number: int, key: str, task_id: str, value: int) -> None:
            node = self._setting.nodes[number % len(self._setting.nodes)]
            task = await asked(self._http, node, f"/task/{task_id}") or {}
            if task.get("state") != "completed":
                wrong.append(f"lost: {key} ({task_id}) is {task.get('state')} at {node.name}")
                return
            if task["result"]["data"] != {"square": value * value}:
                wrong.append(f"wrong: {key} ({task_id}) has {task['result']}")
            if last[task_id] > task["ended_at_ms"] / 1000 + _SKEW_S:
                wrong.append(f"doubled: {task_id} was begun after its end")

        await _few_at_once(
            look(number, key, *task)
            for number, (key, task) in enumerate(self._clients.tasks.items())
        )

    async def _tasks(self, lab: Node) -> Any:
        cursor = ""
        while True:
            page = await asked(self._http, lab, f"/tasks?limit=100{cursor}")
            if page is None:
                self._found.violations.append(f"wrong: {lab.name} lists nothing")
                return
            for task in page["tasks"]:
                if task["robot_id"] in self._setting.robots:
                    yield task
            if page["next_cursor"] is None:
                return
            cursor = f"&cursor={page['next_cursor']}"

    async def _compare(self, task_id: str, states: Collection[str]) -> None:
        """What a hub says of it. A machine that does not drive any more may have ended what the
        other one has carried out: there the two differ, and the hub tells the other one."""
        hub = self._setting.hubs[hash(task_id) % len(self._setting.hubs)]
        there: Any = None
        for _ in range(40):
            there = await asked(self._http, hub, f"/task/{task_id}") or {}
            if there.get("state") in states and (
                len(states) == 1 or there["state"] == "completed" or "completed" not in states
            ):
                return
            await asyncio.sleep(0.25)
        self._found.violations.append(
            f"wrong: {task_id} is {states}, and at {hub.name} {there.get('state')}"
        )


def once(lines: Sequence[dict[str, Any]], where: str) -> Iterator[str]:
    """Each motion of a command once, and a robot has one command after the other."""
    seen: Counter[tuple[Any, ...]] = Counter()
    now: dict[str, str] = {}
    over: set[str] = set()
    for line in lines:
        command = command_of(line["task_id"])
        seen[command, line["step"], orjson.dumps(line["motion"])] += 1
        before = now.get(line["robot"], command)
        if before != command:
            over.add(before)
            if command in over:
                yield f"wrong: {command} went on at {where} after another one had begun"
        now[line["robot"]] = command
    for motion, times in seen.items():
        if times > 1:
            yield f"doubled: {motion} at {where}, {times} times"


async def _few_at_once(looks: Iterable[Any]) -> None:
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(look: Any) -> None:
        async with places:
            await look

    await asyncio.gather(*(one(look) for look in looks))
