"""Who submits, at any door, and again where no answer came: for robots and for workers."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import aiohttp
import orjson

from .found import Found
from .site import Setting

_PLACES = ("SCAN_TABLE", "SPLIT_TABLE", "CHROMATOGRAPH", "HOME", "CHARGER")
_TASKS = "/apis/task-queue/api/tasks"
_INSISTS_S = 180.0


class Clients:
    def __init__(self, setting: Setting, found: Found, http: aiohttp.ClientSession, seed: int):
        self._setting = setting
        self._found = found
        self._http = http
        self._seed = seed
        self.over = False
        self.commands: dict[str, set[str]] = {}
        """Key -> the tasks that doors have answered. What came into the inbox may become one that
        its daemon had before."""
        self.tasks: dict[str, tuple[str, int]] = {}
        """Key -> such a task for workers, and its number."""

    async def commands_for_robots(self, number: int) -> None:
        chance = random.Random(f"{self._seed}:{number}")
        count = 0
        while not self.over:
            count += 1
            key = f"{number}-{count}"
            robot = chance.choice(self._setting.robots)
            body: dict[str, Any] = {"cmd_id": key, "robot_id": robot}
            if self._setting.is_shared(robot):
                body |= {"cmd_type": "ROBOT_ACTION", "params": {"action_type": "NOD"}}
            else:
                body |= {"cmd_type": "NAVIGATION", "params": {"area": chance.choice(_PLACES)}}
            answers = await self._insist(chance, "/", key, body)
            self._found.accepted += bool(answers)
            if answers:
                self.commands[key] = {answer["task_id"] for answer in answers}
            await asyncio.sleep(chance.uniform(0.05, 0.5))

    async def tasks_for_workers(self, number: int) -> None:
        chance = random.Random(f"{self._seed}:tasks:{number}")
        count = 0
        while not self.over:
            count += 1
            key = f"w{number}-{count}"
            value = number * 1_000_000 + count
            body = {"task_type": "square", "data": {"number": value}}
            answers = await self._insist(chance, _TASKS, key, body)
            self._found.for_workers += bool(answers)
            ids = {answer["task_id"] for answer in answers}
            if len(ids) > 1:
                self._found.violations.append(f"doubled: {key} was answered with {ids}")
            for task_id in ids:
                self.tasks[key] = task_id, value
            await asyncio.sleep(chance.uniform(0.2, 1.2))

    async def _insist(
        self, chance: random.Random, path: str, key: str, body: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Send it at one door after the other until one answers, and sometimes once more."""
        answers: list[dict[str, Any]] = []
        wanted = 2 if chance.random() < 0.3 else 1
        until = time.monotonic() + _INSISTS_S
        while len(answers) < wanted:
            if time.monotonic() > until:
                self._found.given_up += not answers
                break
            node = chance.choice(self._setting.nodes)
            try:
                async with self._http.post(
                    node.url + path, data=orjson.dumps(body), headers={"Idempotency-Key": key}
                ) as answer:
                    told = orjson.loads(await answer.read())
            except (TimeoutError, aiohttp.ClientError, ValueError):
                await asyncio.sleep(0.2)
                continue
            if answer.status in (200, 201):
                answers.append(told)
            else:
                await asyncio.sleep(0.2)
        self._found.repeated += max(0, len(answers) - 1)
        return answers
