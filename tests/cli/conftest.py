"""Real processes of the robotq command, as users start them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "main.py"
COMMANDS = ROOT / "commands"
SCAN = COMMANDS / "SCAN_QR_CODE_command.json"

_START_S = 60.0
_END_S = 60.0


def environment(**more: str) -> dict[str, str]:
    """The environment of a user who has configured nothing and speaks English."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ROBOTQ_", "LC_", "COV_")) and name != "LANGUAGE"
    }
    return {**kept, "LANG": "C.UTF-8", "PYTHONUTF8": "1", **more}


def robotq(
    *arguments: str | Path, stdin: str = "", cwd: Path = ROOT, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `python main.py ...` to its end."""
    return subprocess.run(
        [sys.executable, MAIN, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment(**more),
        timeout=_END_S,
        check=False,
    )


@dataclass
class Served:
    """A daemon that runs as a process of its own."""

    process: subprocess.Popen[str]
    data: Path
    url: str

    def get(self, path: str) -> Any:
        return requests.get(self.url + path, timeout=10).json()

    def post(self, path: str, body: Any = None) -> Any:
        return requests.post(self.url + path, json=body or {}, timeout=10).json()

    def wait_until(self, path: str, true: Callable[[Any], bool]) -> Any:
        """What `path` answers as soon as it is `true`."""
        deadline = time.monotonic() + _END_S
        while time.monotonic() < deadline:
            answer = self.get(path)
            if true(answer):
                return answer
            time.sleep(0.05)
        raise AssertionError(f"{path} stays {answer}")

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal and wait for the end: exit code and everything printed."""
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=_END_S)
        return self.process.returncode, out


Serve = Callable[..., Served]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start daemons; those that still run at the end of the module are killed."""
    started: list[Served] = []

    def start(
        *arguments: str,
        data: Path | None = None,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
    ) -> Served:
        data = data or tmp_path_factory.mktemp("data")
        variables = {"ROBOTQ_PORT": "0", "ROBOTQ_DATA": str(data), **(env or {})}
        process = subprocess.Popen(
            [sys.executable, MAIN, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=environment(**variables),
        )
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
        process.stdin = None
        served = Served(process, data, "")
        started.append(served)
        port = data / "port"
        deadline = time.monotonic() + _START_S
        while not port.exists() or not port.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise AssertionError(process.communicate()[0])
            time.sleep(0.02)
        served.url = f"http://127.0.0.1:{port.read_text().strip()}"
        return served

    yield start
    for served in started:
        if served.process.poll() is None:
            served.process.kill()
        served.process.communicate()
