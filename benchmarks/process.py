"""A daemon in a process of its own, and what the system says about it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.client import Connection

ROOT = Path(__file__).parent.parent

_START_S = 120.0
_STOP_S = 30.0

KEEP_EVERYTHING = {
    "ROBOTQ_RETENTION__TASKS_DAYS": "36500",
    "ROBOTQ_RETENTION__EVENTS_DAYS": "36500",
}
"""Prepared databases grow old; removing their rows is not what is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a daemon takes at a moment."""

    memory_mib: float
    """Resident."""
    descriptors: int
    wal_mib: float


class DaemonProcess:
    """A daemon on a free port; use it as a context manager."""

    def __init__(
        self,
        data: Path,
        *,
        time_scale: float = 0.02,
        environ: Mapping[str, str] | None = None,
        program: Sequence[str] = (str(ROOT / "main.py"),),
    ) -> None:
        """`program` is what Python runs in place of main.py."""
        self.data = data
        self._port_file = data / "port"
        self._port_file.unlink(missing_ok=True)
        data.mkdir(parents=True, exist_ok=True)
        self._log = data.with_name(f"{data.name}.log").open("w", encoding="utf-8")
        _raise_descriptor_limit()
        arguments = ["serve", "--port", "0", "--data", str(data), "--time-scale", str(time_scale)]
        self.started_at = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, *program, *arguments],
            cwd=ROOT,
            env={**os.environ, **KEEP_EVERYTHING, **(environ or {})},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self.port = self._wait_for_port()

    @property
    def pid(self) -> int:
        return self._process.pid

    def connect(self) -> Connection:
        return Connection(self.port)

    def usage(self) -> Usage:
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        resident_kib = next(
            int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")
        )
        wal = self.data / "robotq.db-wal"
        return Usage(
            memory_mib=resident_kib / 1024,
            descriptors=len(os.listdir(f"/proc/{self.pid}/fd")),  # noqa: PTH208 - names only
            wal_mib=wal.stat().st_size / 2**20 if wal.exists() else 0.0,
        )

    def stop(self) -> None:
        """End it in order; by force where that takes too long."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _wait_for_port(self) -> int:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            if self._port_file.exists() and (text := self._port_file.read_text().strip()):
                return int(text)
            time.sleep(0.001)
        self.stop()
        raise RuntimeError(f"the daemon did not start, see {self._log.name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def empty(folder: Path) -> Path:
    """The folder, without what an earlier run has left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _raise_descriptor_limit() -> None:
    """A thousand connections need as many descriptors, here and in the daemon, which inherits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
