"""One robot in the network and two machines that can reach it, each a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import aiohttp
import orjson
import yaml

from robotq.testing.process import DaemonProcess, clean_environment
from tests.fleet.conftest import KEY, free_port

ROBOT = "robot_a"
NOD = {"cmd_type": "ROBOT_ACTION", "params": {"action_type": "NOD"}}
SCAN = {"cmd_type": "SCAN_QRCODE", "params": {}}
LEASE_S = 3.0


class Machine:
    """A daemon of the pair. Its port and its data folder stay over all its lives."""

    def __init__(
        self,
        folder: Path,
        name: str,
        dsn: str,
        robots: Mapping[str, Any],
        *,
        poll_s: float = 0.1,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.port = free_port()
        self.data = folder / name
        config = {
            "language": "en",
            "fleet": {
                "dsn": dsn,
                "name": name,
                "url": f"http://127.0.0.1:{self.port}",
                "key": KEY,
                "poll_s": poll_s,
                "away_s": 3,
            },
            "robots": dict(robots),
            "default_robot": ROBOT,
            **(more or {}),
        }
        file = folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        self.process = DaemonProcess(self.data, config=file, port=self.port)

    async def start(self, crash: str = "") -> None:
        environ = {"ROBOTQ_CRASH_POINT": crash} if crash else {}
        await asyncio.to_thread(self.process.start, environ=environ)

    async def kill(self) -> None:
        self.thaw()
        await asyncio.to_thread(self.process.kill)

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        if self.process.alive():
            os.kill(self.process.pid, signal.SIGCONT)

    @property
    def stands_still(self) -> bool:
        try:
            stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] == "T"

    async def ask(
        self, http: aiohttp.ClientSession, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        async with http.request(
            method,
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else orjson.dumps(body),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            timeout=aiohttp.ClientTimeout(total=10),
        ) as answer:
            return answer.status, orjson.loads(await answer.read())


class Pair:
    """The judge is the device: what it has moved, and what it has refused."""

    def __init__(
        self,
        folder: Path,
        dsn: str,
        *,
        fence: str = "device",
        time_scale: float = 0.02,
        lease_s: float = LEASE_S,
        robot: Mapping[str, Any] | None = None,
        first_dsn: str | None = None,
        first_poll_s: float = 0.1,
        first_robots: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """`robot`: driver and options of another one than the pair has itself. `first_dsn`: the
        way of lab-1 to the database, where it has one of its own; `first_poll_s`: how often it
        tells what has happened; `first_robots`: what it drives besides. `more`: of the
        configuration of both."""
        self._folder = folder
        self._port = free_port()
        self._time_scale = time_scale
        self._one_client = fence != "device"
        self._log = folder / "device.log"
        self._device: subprocess.Popen[bytes] | None = None
        quick = {"hello_s": 2, "repeat_s": 0.1, "answer_s": 2, "heartbeat_s": 0.3, "silence_s": 2}
        own = {
            "driver": "jsonline",
            "options": {"port": f"socket://127.0.0.1:{self._port}", **quick},
        }
        self._has_device = robot is None
        robot = {
            **(robot or own),
            "standby": {"fence": fence, "lease_s": lease_s, "margin_s": lease_s / 4},
            "on_start": "resume",
            "reconnect_s": 0.2,
        }
        robots = {ROBOT: robot, **(first_robots or {})}
        self.one = Machine(
            folder, "lab-1", first_dsn or dsn, robots, poll_s=first_poll_s, more=more
        )
        self.two = Machine(folder, "lab-2", dsn, {ROBOT: robot}, more=more)
        self.http: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession()
        if self._has_device:
            await asyncio.to_thread(self.power)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()
        for machine in (self.one, self.two):
            if machine.process.alive():
                await machine.kill()
        if self._device is not None:
            self._device.terminate()
            await asyncio.to_thread(self._device.wait, 10)

    def power(self) -> None:
        arguments = ["device", "--data", str(self._folder / "device")]
        arguments += ["--listen", f"127.0.0.1:{self._port}", "--time-scale", str(self._time_scale)]
        arguments += ["--one-client"] if self._one_client else []
        with self._log.open("ab") as log:
            self._device = subprocess.Popen(
                [sys.executable, "-m", "robotq", *arguments],
                stdout=log,
                stderr=log,
                env=clean_environment({}),
            )

    def lose_power(self) -> None:
        """The device starts anew, and remembers no command."""
        assert self._device is not None
        self._device.kill()
        self._device.wait(10)
        (self._folder / "device" / "commands.json").unlink()
        self.power()

    async def submit(
        self, machine: Machine, command: Mapping[str, Any], *, key: str | None = None, **more: Any
    ) -> str:
        headers = {} if key is None else {"Idempotency_Key": key}
        body = {**command, **more}
        status, answer = await machine.ask(self.http, "POST", "/", body, **headers)
        assert status == 200, answer
        task_id: str = answer["task_id"]
        return task_id

    async def task(self, machine: Machine, task_id: str) -> dict[str, Any]:
        return (await machine.ask(self.http, "GET", f"/task/{task_id}"))[1]

    async def ended(self, machine: Machine, task_id: str, within_s: float = 30) -> dict[str, Any]:
        found: dict[str, Any] = {}

        async def look() -> bool:
            nonlocal found
            found = await self.task(machine, task_id)
            return found.get("state") in ("completed", "failed", "cancelled")

        await self.until(look, within_s, lambda: (machine.name, task_id, found))
        return found

    async def robot(self, machine: Machine) -> dict[str, Any]:
        status, answer = await machine.ask(self.http, "GET", "/robots")
        assert status == 200, answer
        found: dict[str, Any] = next(one for one in answer["robots"] if one["robot_id"] == ROBOT)
        return found

    async def until(self, look: Any, within_s: float = 30, what: Any = lambda: "") -> None:
        end = time.monotonic() + within_s
        while True:
            try:
                if await look():
                    return
            except (aiohttp.ClientError, TimeoutError):
                # it is being started, or stands still
                pass
            assert time.monotonic() < end, f"it did not come to that: {what()}"
            await asyncio.sleep(0.03)

    async def until_drives(self, machine: Machine) -> None:
        async def drives() -> bool:
            return bool((await self.robot(machine))["connected"])

        await self.until(drives)

    async def until_dead(self, machine: Machine, within_s: float = 30) -> None:
        """It has come to its crash point."""

        async def is_dead() -> bool:
            return not machine.process.alive()

        await self.until(is_dead, within_s)

    async def until_knows(self, machine: Machine, text: str) -> None:
        async def knows() -> bool:
            return text in str(await self.robot(machine))

        await self.until(knows)

    async def until_moved(self) -> None:
        async def has_moved() -> bool:
            return bool(self.motions())

        await self.until(has_moved)

    async def until_nothing_waits(self, machine: Machine) -> None:
        async def nothing_waits() -> bool:
            _, status = await machine.ask(self.http, "GET", "/queue/status")
            return bool(status["queue_size"] == 0)

        await self.until(nothing_waits)

    async def both_are_there(self) -> None:
        """lab-1 drives, and lab-2 knows it."""

        async def stands_by() -> bool:
            return "driven by lab-1" in str(await self.robot(self.two))

        await self.one.start()
        await self.until_drives(self.one)
        await self.two.start()
        await self.until(stands_by)

    async def resume(self, machine: Machine) -> None:
        """A person who has seen every hold."""
        holds = [hold["id"] for hold in (await self.robot(machine))["holds"]]
        status, answer = await machine.ask(self.http, "POST", "/queue/resume", {"holds": holds})
        assert status == 200, answer

    def order(self) -> Sequence[str]:
        """The commands with which the device has moved."""
        return list(dict.fromkeys(task for task, _ in self.motions()))

    def motions(self) -> list[tuple[str, str]]:
        """Task and motion, in order."""
        log = self._folder / "device" / "simulator" / "motions.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        rows = [json.loads(line) for line in lines]
        return [(row["task_id"], f"{row['step']}: {row['motion']}") for row in rows]

    def refused(self) -> list[str]:
        return [line for line in self._log.read_text().splitlines() if "is refused" in line]
