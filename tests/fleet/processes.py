"""The daemons of a fleet as processes, each with a lab of its own, for tests in which they die."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml

from robotq.config import packaged
from robotq.testing.process import DaemonProcess

from .conftest import KEY, free_port

WORKER_LEASE_S = 10.0


class Node:
    """A daemon of the fleet. Its port and its robots stay over all its lives."""

    def __init__(
        self,
        folder: Path,
        name: str,
        dsn: str,
        robots: Sequence[str],
        *,
        durable: Sequence[str] = (),
        shared: Mapping[str, Mapping[str, Any]] | None = None,
        workers: bool = False,
    ) -> None:
        """`robots`: those with a simulator in the daemon. `durable`: those whose commands are in
        the database before they are accepted. `shared`: the configuration of robots that another
        machine can reach too. `workers`: the tasks of workers are in the database."""
        self.name = name
        self._durable = frozenset(durable)
        self._shared = shared or {}
        self._workers = workers
        self.robots = tuple(robots)
        self.port = free_port()
        self.data = folder / name
        self.stopped = False
        file = folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(self._config(folder, dsn)), encoding="utf-8")
        self.process = DaemonProcess(self.data, config=file, port=self.port, time_scale=0.02)

    def _config(self, folder: Path, dsn: str) -> dict[str, Any]:
        fleet = {
            "dsn": dsn,
            "name": self.name,
            "url": f"http://127.0.0.1:{self.port}",
            "key": KEY,
            "poll_s": 0.1,
            "away_s": 3,
        }
        more: dict[str, Any] = {"language": "en"}
        if self._workers:
            more["store"] = {"workers": dsn}
            more["interfaces"] = {"task_queue": {"lease_s": WORKER_LEASE_S}}
        if not self.robots:
            return {**more, "fleet": {**fleet, "hub": True}}
        lab = yaml.safe_load(packaged("lab.yaml").read_text("utf-8"))
        model = lab["robots"]["robot_a"]
        lab["robots"] = {robot: {**model, "place": "HOME"} for robot in self.robots}
        for station in lab["stations"].values():
            first = next(iter(station["reach"].values()))
            station["reach"] = dict.fromkeys(self.robots, first)
        lab_file = folder / f"{self.name}-lab.yaml"
        lab_file.write_text(yaml.safe_dump(lab, allow_unicode=True), encoding="utf-8")
        options = {"lab": str(lab_file)}
        own = {
            robot: {
                "driver": "simulator",
                "options": options,
                "durability": "fleet" if robot in self._durable else "own",
            }
            for robot in self.robots
        }
        return {
            **more,
            "fleet": fleet,
            "robots": {**own, **{robot: dict(one) for robot, one in self._shared.items()}},
            # nobody waits for another's place here
            "resources": {"nothing": ["NOTHING"]},
            "places": ["NOTHING"],
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        ready: Callable[[Any], bool] = lambda _: True,
    ) -> Any:
        """Its answer, None where it gives none, or one that is an error or not `ready`."""
        headers = {} if key is None else {"Idempotency-Key": key}
        content = None if body is None else orjson.dumps(body)
        with suppress(TimeoutError, aiohttp.ClientError, ValueError):
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=8)) as http,
                http.request(method, self.url + path, data=content, headers=headers) as answer,
            ):
                told = orjson.loads(await answer.read())
                return told if answer.status == 200 and ready(told) else None
        return None

    def start(self, *, environ: Mapping[str, str] | None = None) -> bool:
        self.stopped = False
        return self.process.start(environ=environ)

    def kill(self) -> None:
        self.process.kill()
        self.stopped = False

    def freeze(self) -> None:
        """It stands still in whatever it does, and knows nothing of it afterwards."""
        if self.process.alive():
            os.kill(self.process.pid, signal.SIGSTOP)
            self.stopped = True

    def thaw(self) -> None:
        if self.stopped and self.process.alive():
            os.kill(self.process.pid, signal.SIGCONT)
        self.stopped = False

    def motions(self) -> list[dict[str, Any]]:
        return whole_lines(self.data / "simulator" / "motions.jsonl")


def whole_lines(log: Path) -> list[dict[str, Any]]:
    """What was written before a kill cut a line short: what that one says did not begin."""
    found = []
    for line in log.read_bytes().splitlines() if log.exists() else ():
        with suppress(ValueError):
            found.append(orjson.loads(line))
    return found
