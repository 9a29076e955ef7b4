"""A robot behind a real SiLA 2 server, and the driver that talks to it through a cable that can be
pulled out."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from robotq.drivers import sila
from robotq.drivers.base import Driver
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.testing.driver_contract import RecordingContext, driver_setup
from tests.drivers.cable import Cable

ROOT = Path(__file__).parents[3]
MOVER = "org.robotq/tests/Mover/v1"
MOVE: dict[str, Any] = {
    "feature": MOVER,
    "command": "Move",
    "parameters": {
        "Steps": "{params.steps}",
        "StepSeconds": "{params.step_s}",
        "Place": "{params.place}",
    },
    "feedback": {"step": "step {intermediate.Done}", "partial": {"done": "intermediate.Done"}},
    "check": "response.Travelled == params.steps",
    "otherwise": "it stopped on the way",
    "result": {"travelled": "response.Travelled"},
    "place": "{params.place}",
    "params": {
        "steps": {"type": "integer", "min": 1, "max": 10_000, "default": 3},
        "step_s": {"type": "number", "min": 0, "max": 10, "default": 0.01},
        "place": {"type": "text", "default": "DOCK"},
    },
}
GRIP: dict[str, Any] = {
    "feature": MOVER,
    "command": "Grip",
    "parameters": {"Closed": "{params.closed == 1}"},
    "check": "response.Held",
    "otherwise": "the gripper has nothing between its fingers",
    "params": {"closed": {"type": "integer", "min": 0, "max": 1, "default": 1}},
}
BATTERY = {"feature": MOVER, "property": "BatteryLevel", "query": True}
COMMANDS: dict[str, Any] = {"MOVE": MOVE, "GRIP": GRIP, "BATTERY": BATTERY}
OPTIONS: dict[str, Any] = {"insecure": True, "commands": COMMANDS, "answer_s": 5}


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


class Site:
    """The server, the cable, and the driver. Close it at the end."""

    def __init__(
        self, tmp_path: Path, options: Mapping[str, Any] | None = None, *words: str
    ) -> None:
        self._tmp_path = tmp_path
        self._log = tmp_path / "server.log"
        self._words = words
        self.uuid = str(uuid.uuid4())
        self.port = free_port()
        self._server: subprocess.Popen[bytes] | None = None
        self.serve()
        self.cable = Cable(self.port)
        self.options = {"address": f"127.0.0.1:{self.cable.port}", **OPTIONS, **(options or {})}
        setup, self.links = driver_setup(tmp_path, self.options)
        self.driver: Driver = sila.create(setup)
        self.context = RecordingContext()

    def serve(self, *, server_uuid: str | None = None) -> None:
        """Start the server, anew if it runs: it has no memory of what was before."""
        self.die()
        self.uuid = server_uuid or self.uuid
        before = self.log().count("ready")
        command = ["-m", "tests.drivers.sila.server", str(self.port), str(self._log), self.uuid]
        with (self._tmp_path / "server.out").open("ab") as out:
            self._server = subprocess.Popen(
                [sys.executable, *command, *self._words], cwd=ROOT, stdout=out, stderr=out
            )
        try:
            until(lambda: self.log().count("ready") > before or self._died(), 60)
            assert not self._died(), (self._tmp_path / "server.out").read_text()[-2_000:]
        except BaseException:
            # nobody else would end it
            self.die()
            raise

    def die(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def _died(self) -> bool:
        return self._server is not None and self._server.poll() is not None

    def again(self) -> Driver:
        """Another driver for the same robot, as after a start."""
        return sila.create(driver_setup(self._tmp_path, self.options)[0])

    def do(self, cmd_type: str, **params: Any) -> JsonObject:
        return self.driver.execute(Command(cmd_type=cmd_type, params=params), self.context)

    def log(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []

    def starts(self) -> int:
        return sum(line.startswith("start ") for line in self.log())

    def steps(self) -> int:
        return sum(line.startswith("step ") for line in self.log())

    def begun(self) -> Counter[str]:
        """Place -> executions for it."""
        return Counter(line.split()[2] for line in self.log() if line.startswith("start "))

    def ends(self) -> dict[str, str]:
        """Execution -> how it ended."""
        return {line.split()[1]: line.split()[2] for line in self.log() if line.startswith("end ")}

    def close(self) -> None:
        self.driver.close()
        self.cable.close()
        self.die()
