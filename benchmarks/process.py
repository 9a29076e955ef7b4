"""A daemon in a process of its own, and what the system says about it."""

from __future__ import annotations

import compileall
import os
import resource
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from benchmarks.client import Connection
from robotq.testing import process

ROOT = Path(__file__).parent.parent

_MAIN = str(Path(os.environ.get("ROBOTQ_BENCHMARK_OF", ROOT)).absolute() / "main.py")
"""What is measured: this checkout, or an earlier one for comparison."""

KEEP_EVERYTHING = {
    "ROBOTQ_RETENTION__TASKS_DAYS": "36500",
    "ROBOTQ_RETENTION__EVENTS_DAYS": "36500",
}
"""Prepared databases grow old; removing their rows is not what is measured."""


_AS_INSTALLED = {"PYTHONDONTWRITEBYTECODE": ""}
"""`pip install` makes byte code. A checkout where nobody may write it would read all of its source
anew at each start, which takes as long again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a daemon takes at a moment."""

    memory_mib: float
    """Resident."""
    descriptors: int
    wal_mib: float


class DaemonProcess(process.DaemonProcess):
    """A daemon on a free port; use it as a context manager."""

    def __init__(
        self,
        data: Path,
        *,
        time_scale: float = 0.02,
        environ: Mapping[str, str] | None = None,
        program: Sequence[str] = (_MAIN,),
    ) -> None:
        """`program` is what Python runs in place of main.py."""
        super().__init__(
            data,
            time_scale=time_scale,
            environ={**KEEP_EVERYTHING, **_AS_INSTALLED, **(environ or {})},
            program=program,
        )
        self.started_at = 0.0
        """When the process was started, by `time.perf_counter`."""

    def __enter__(self) -> Self:
        _raise_descriptor_limit()
        _make_byte_code()
        self.started_at = time.perf_counter()
        return super().__enter__()

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


@cache
def _make_byte_code() -> None:
    compileall.compile_dir(Path(_MAIN).parent / "robotq", quiet=2)


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
