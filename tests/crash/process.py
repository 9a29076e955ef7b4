"""The real daemon as a process of its own, and its death."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from robotq.model.crashpoints import VARIABLE

MAIN = Path(__file__).parents[2] / "main.py"

_START_S = 60.0
"""Wall seconds that a start may take on a busy machine."""
_END_S = 40.0


class DaemonProcess:
    """`python main.py serve` on a data folder; one life at a time, any number of them."""

    def __init__(
        self,
        data: Path,
        *,
        time_scale: float,
        config: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`environ`: ROBOTQ_ variables for every life."""
        self.data = data
        self.time_scale = time_scale
        self._config = config
        self._environ = dict(environ or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> Path:
        """What all lives printed."""
        return self.data.with_name(f"{self.data.name}.log")

    async def start(self, crash_point: str | None = None) -> bool:
        """Start, and wait until it serves. False where it has ended before that."""
        port_file = self.data / "port"
        # a killed daemon leaves its own behind
        port_file.unlink(missing_ok=True)
        arguments = ["serve", "--port", "0", "--data", str(self.data)]
        arguments += ["--time-scale", str(self.time_scale)]
        if self._config is not None:
            arguments += ["--config", str(self._config)]
        environ = {key: value for key, value in os.environ.items() if "ROBOTQ_" not in key}
        environ |= self._environ
        if crash_point is not None:
            environ[VARIABLE] = crash_point
        self._process = await asyncio.to_thread(self._launch, arguments, environ)
        deadline = time.monotonic() + _START_S
        while self.alive():
            port = port_file.read_text() if port_file.exists() else ""
            if port.endswith("\n"):
                self.url = f"http://127.0.0.1:{port.strip()}"
                return True
            if time.monotonic() > deadline:
                self.kill()
                raise TimeoutError(f"no start within {_START_S:g} s, see {self.log}")
            await asyncio.sleep(0.005)
        return False

    def _launch(
        self, arguments: Sequence[str], environ: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, str(MAIN), *arguments], stdout=log, stderr=log, env=environ
            )

    @property
    def exit_code(self) -> int | None:
        """Negative: the signal that ended it. None while it lives."""
        return None if self._process is None else self._process.poll()

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def died(self, timeout_s: float) -> bool:
        """Wait for the end of the process. False where it lives on."""
        deadline = time.monotonic() + timeout_s
        while self.alive():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.002)
        return True

    def kill(self) -> None:
        """kill -9, if it lives, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def terminate(self) -> int:
        """SIGTERM; returns the exit code. Raises TimeoutError where it does not end."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        if not await self.died(_END_S):
            self.kill()
            raise TimeoutError(f"no end within {_END_S:g} s of SIGTERM, see {self.log}")
        return self._process.returncode
