"""Real processes of the robotq command, as users start them."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest
import requests

from robotq.cli import main
from robotq.testing.host import Host
from tests import forks, nobody

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "main.py"
COMMANDS = ROOT / "commands"
SCAN = COMMANDS / "SCAN_QR_CODE_command.json"

_START_S = 60.0
_END_S = 60.0


def environment(**more: str) -> dict[str, str]:
    """The environment of a user who has configured nothing and speaks English, but for the port
    8090: another daemon of this machine may have it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ROBOTQ_", "LC_", "COV_")) and name != "LANGUAGE"
    }
    ports = {"ROBOTQ_URL": nobody.URL, "ROBOTQ_PORT": "0"}
    return {**kept, **ports, "LANG": "C.UTF-8", "PYTHONUTF8": "1", **more}


def robotq(
    *arguments: str | Path, stdin: str = "", cwd: Path = ROOT, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `python main.py ...` to its end."""
    command = [MAIN, *arguments]
    with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        env = environment(**more)
        process = forks.start(command, stdin=given, stdout=out, stderr=err, env=env, cwd=cwd)
        try:
            code = process.wait(_END_S)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command, code, out.read().decode(), err.read().decode())


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it showed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Typed = Callable[..., Ran]


@pytest.fixture
def root_logger() -> Iterator[None]:
    """As it was before, when the test is over: it belongs to pytest."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root_logger: None
) -> Typed:
    """Run a command in this process: quicker, for those that are no program of their own."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("ROBOTQ_NAME", "Li, bench 2")

    def run(*arguments: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["robotq", *map(str, arguments)])
        code = main()
        shown = capsys.readouterr()
        return Ran(code, shown.out, shown.err)

    return run


@dataclass
class Reached:
    """A daemon that answers there."""

    url: str

    def get(self, path: str) -> Any:
        return requests.get(self.url + path, timeout=10).json()

    def post(self, path: str, body: Any = None) -> Any:
        return requests.post(self.url + path, json=body or {}, timeout=10).json()

    def wait_until(self, path: str, true: Callable[[Any], bool]) -> Any:
        """What `path` answers as soon as it is `true`."""
        deadline = time.monotonic() + _END_S
        while not true(answer := self.get(path)):
            assert time.monotonic() < deadline, f"{path} stays {answer}"
            time.sleep(0.02)
        return answer


@dataclass
class Served(Reached):
    """A daemon that runs as a process of its own."""

    process: forks.Forked
    data: Path
    log: Path

    @property
    def shown(self) -> str:
        """Everything that it has printed so far."""
        return self.log.read_text(encoding="utf-8")

    def until_shown(self, text: str) -> None:
        deadline = time.monotonic() + _END_S
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            time.sleep(0.02)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal and wait for the end: exit code and everything printed."""
        self.process.send_signal(number)
        return self.process.wait(timeout=_END_S), self.shown


@pytest.fixture(scope="module")
def daemon(robotq_host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reached]:
    """One for all tests of a module that only want it to answer, in motion time that jumps."""
    with robotq_host.daemon(tmp_path_factory.mktemp("hosted"), {}) as hosted:
        yield Reached(hosted.url)


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
        log = tmp_path_factory.mktemp("log") / "shown.txt"
        with log.open("wb") as shown, TemporaryFile() as given:
            given.write(stdin.encode())
            given.seek(0)
            process = forks.start(
                [MAIN, *arguments],
                stdin=given,
                stdout=shown,
                stderr=subprocess.STDOUT,
                env=environment(**variables),
                cwd=ROOT,
            )
        started.append(served := Served("", process, data, log))
        port = data / "port"
        deadline = time.monotonic() + _START_S
        while not port.exists() or not port.read_text():
            assert process.poll() is None, served.shown
            assert time.monotonic() < deadline, served.shown
            time.sleep(0.02)
        served.url = f"http://127.0.0.1:{port.read_text().strip()}"
        return served

    yield start
    for served in started:
        if served.process.poll() is None:
            served.process.kill()
        served.process.wait()
