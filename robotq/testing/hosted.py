"""The process of `robotq.testing.host`: a JSON object a line in, another one out."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from robotq.config import Config, load_config
from robotq.daemon.assembly import Daemon, running_daemon

_DEFAULTS: Mapping[str, Any] = {
    "port": 0,
    "time_scale": 0,
    "log_level": "error",
    # whoever ends a test does not want to wait for what still runs
    "limits.shutdown_grace_s": 0,
}
_SIMULATED_S = 30.0
"""Wall seconds in which a simulated robot is ready, on the busiest machine."""
_LINKS_S = 5.0
"""The same for others: a test may want to see one that is not there."""


class Hosted:
    """The daemons that run here, by number."""

    def __init__(self) -> None:
        self._running: dict[int, AsyncExitStack] = {}
        self._started = 0

    async def serve(self) -> None:
        """Until the input ends; then every daemon ends."""
        answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
        # what a daemon prints is no answer
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        while line := await asyncio.to_thread(sys.stdin.readline):
            answer = await self._answer(json.loads(line))
            print(json.dumps(answer), file=answers, flush=True)
        for stack in self._running.values():
            await stack.aclose()

    async def _answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            if "stop" in request:
                await self._running.pop(request["stop"]).aclose()
                return {}
            return await self._start(request["start"], request["file"])
        except Exception as error:  # noqa: BLE001 - the test is told, and the next one goes on
            return {"error": f"{type(error).__name__}: {error}"}

    async def _start(self, keys: Mapping[str, Any], file: str | None) -> Mapping[str, Any]:
        def load() -> Config:
            return load_config(None if file is None else Path(file), {}, {**_DEFAULTS, **keys})

        config = await asyncio.to_thread(load)
        async with AsyncExitStack() as stack:
            daemon = await stack.enter_async_context(
                running_daemon(config, load, reload=asyncio.Event())
            )
            await _ready(daemon)
            self._started += 1
            self._running[self._started] = stack.pop_all()
        return {"number": self._started, "port": daemon.addresses[0][1]}


async def _ready(daemon: Daemon) -> None:
    """Wait for the robots, so that a test does not see them come up: as long as one is not ready,
    whoever asks for a result at once is refused. Raises TimeoutError."""
    engine = daemon.engine
    simulated = {name for name in engine.robots if engine.config.robots[name].driver == "simulator"}
    async with asyncio.timeout(_SIMULATED_S):
        while not all(engine.robots[name].ready for name in simulated):  # noqa: ASYNC110 - a start is not worth an event
            await asyncio.sleep(0.002)
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINKS_S):
            while not all(robot.ready for robot in engine.robots.values()):  # noqa: ASYNC110
                await asyncio.sleep(0.002)


if __name__ == "__main__":
    asyncio.run(Hosted().serve())
