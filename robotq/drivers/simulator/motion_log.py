"""The motion log: one line on disk before each motion, the judge of what has moved."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import orjson

from robotq.drivers.base import DriverError
from robotq.system.durable import ends_in_a_line_cut_short

LIMIT_BYTES = 64 * 1024 * 1024
"""A log that is larger when it is opened becomes `motions.jsonl.1`; one such is kept."""


class MotionLog:
    """`motions.jsonl`, to which all robots of the lab append; one object per robot."""

    def __init__(self, folder: Path, robot: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "motions.jsonl"
        with suppress(FileNotFoundError):
            if path.stat().st_size > LIMIT_BYTES:
                path.replace(path.with_suffix(".jsonl.1"))
        self._robot = robot
        self._file: int | None = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._writing = threading.Lock()
        self._torn = ends_in_a_line_cut_short(path)
        if self._torn:
            with suppress(OSError):
                self._torn = os.write(self._file, b"\n") < 1

    def append(
        self, *, task_id: str, attempt: int, step: str, motion: str, allowed: Callable[[], bool]
    ) -> bool:
        """Write the line if `allowed()`, as one write; returns whether it was.

        Raises DriverError when the disk does not take it: what is not logged does not move.
        """
        with self._writing:
            if self._file is None or not allowed():
                return False
            line = orjson.dumps(
                {
                    "ts": round(time.time(), 6),
                    "robot": self._robot,
                    "task_id": task_id,
                    "attempt": attempt,
                    "step": step,
                    "motion": motion,
                },
                option=orjson.OPT_APPEND_NEWLINE,
            )
            if self._torn:
                line = b"\n" + line
            try:
                written = os.write(self._file, line)
            except OSError as error:
                raise DriverError(f"the motion log cannot be written: {error.strerror}") from error
            self._torn = written < len(line)
            if self._torn:
                raise DriverError("the motion log cannot be written: the disk is full")
            return True

    def settle(self, timeout: float) -> None:
        """Wait until the line that is being written now, if any, is written.

        What `allowed` says from now on thus decides about every later line. A disk that is
        stuck is waited for no longer than `timeout` seconds.
        """
        if self._writing.acquire(timeout=timeout):
            self._writing.release()

    def close(self) -> None:
        with self._writing:
            if self._file is not None:
                os.close(self._file)
                self._file = None
