"""What stands in the site: daemons with robots, hubs, robots in the network, ways between them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from robotq.testing.process import clean_environment
from tests.fleet.conftest import free_port
from tests.fleet.processes import Node, whole_lines
from tests.fleet.proxy import Proxy

LEASE_S = 3.0
"""Of a robot with two machines."""


class Device:
    """A robot in the network, with a controller of its own that knows epochs."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._folder = folder / name
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> dict[str, Any]:
        quick = {"hello_s": 2, "repeat_s": 0.1, "answer_s": 2, "heartbeat_s": 0.3, "silence_s": 2}
        return {
            "driver": "jsonline",
            "options": {"port": f"socket://127.0.0.1:{self._port}", **quick},
            "standby": {"fence": "device", "lease_s": LEASE_S, "margin_s": LEASE_S / 4},
            "on_start": "resume",
            "reconnect_s": 0.2,
        }

    def power_on(self) -> None:
        arguments = ["device", "--data", str(self._folder), "--time-scale", "0.02"]
        arguments += ["--listen", f"127.0.0.1:{self._port}"]
        with self._folder.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "robotq", *arguments],
                stdout=log,
                stderr=log,
                env=clean_environment({}),
            )

    def power_off(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def motions(self) -> list[dict[str, Any]]:
        return whole_lines(self._folder / "simulator" / "motions.jsonl")


class Setting:
    def __init__(
        self, folder: Path, dsn: str, *, robots: int, shared: int, durable: bool, workers: bool
    ) -> None:
        """`robots`: all of them, over three daemons; the last `shared` of them are in the network
        and have two machines each."""
        self.folder = folder
        self.proxy = Proxy(dsn)
        names = [f"robot_{number}" for number in range(robots)]
        own, in_network = names[: robots - shared], names[robots - shared :]
        self.robots: Sequence[str] = names
        self.devices = [Device(folder, name) for name in in_network]
        self._own = own
        self._durable = own if durable else []
        self._workers = workers
        self.labs: list[Node] = []
        self.hubs: list[Node] = []

    @property
    def nodes(self) -> list[Node]:
        return [*self.labs, *self.hubs]

    def is_shared(self, robot: str) -> bool:
        return any(device.name == robot for device in self.devices)

    async def open(self) -> None:
        """Power for the robots and ways to the database; the daemons are not started yet."""
        await self.proxy.start()
        for device in self.devices:
            device.power_on()
        self.labs = [
            Node(
                self.folder,
                f"lab-{lab}",
                self.proxy.dsn,
                self._own[lab::3],
                durable=self._durable,
                # each has two of the three daemons
                shared={
                    device.name: device.config
                    for number, device in enumerate(self.devices)
                    if lab in (number % 3, (number + 1) % 3)
                },
                workers=self._workers,
            )
            for lab in range(3)
        ]
        self.hubs = [
            Node(self.folder, f"hub-{hub}", self.proxy.dsn, (), workers=self._workers)
            for hub in range(2)
        ]

    async def close(self) -> None:
        for node in self.nodes:
            node.thaw()
            node.kill()
        for device in self.devices:
            device.power_off()
        await self.proxy.close()
