"""The real daemon as a process of its own, and its death, for stories that go on meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from robotq.model.crashpoints import VARIABLE
from robotq.testing import process
from tests import forks

_START_S = 600.0
"""Many kills run with the lowest priority beside other work: a start got no turn for a minute."""

MAIN = Path(__file__).parents[2] / "main.py"


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
        self._one = process.DaemonProcess(
            data,
            time_scale=time_scale,
            config=config,
            environ=environ,
            program=(str(MAIN),),
            start_s=_START_S,
            # a library that is loaded before all others needs a process that loads them
            run=process.start if "LD_PRELOAD" in (environ or {}) else forks.run,
        )
        self.log = self._one.log
        """What all lives printed."""

    @property
    def pid(self) -> int:
        return self._one.pid

    @property
    def url(self) -> str:
        return self._one.url

    @property
    def exit_code(self) -> int | None:
        """Negative: the signal that ended it. None while it lives."""
        return self._one.exit_code

    async def start(self, crash_point: str | None = None) -> bool:
        """Start, and wait until it serves. False where it has ended before that."""
        environ = {} if crash_point is None else {VARIABLE: crash_point}
        return await asyncio.to_thread(self._one.start, environ=environ)

    def alive(self) -> bool:
        return self._one.alive()

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
        self._one.kill()

    async def terminate(self) -> int:
        """SIGTERM; returns the exit code. Raises TimeoutError where it does not end."""
        return await asyncio.to_thread(self._one.terminate)
