"""What the routes of the dashboard share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from robotq.drivers.base import DriverStatus
from robotq.engine.engine import Engine
from robotq.engine.robot.robot import Robot
from robotq.model.errors import RobotqError
from robotq.web.files import WebFile, read_dashboard

_FRESH_S = 0.4
"""Wall seconds for which a status serves everybody who looks: pages do not add up at the robot."""
_PATIENCE_S = 0.25
"""Wall seconds that a page waits for a driver; then it is shown what was known before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownStatus:
    """What a driver said last."""

    status: DriverStatus | None = None
    """None where it has never answered, or the link is down."""
    error: RobotqError | None = None
    """Why the last question was not answered."""


class Statuses:
    """The status of each robot as of a moment ago, however many pages ask for it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, KnownStatus] = {}
        self._asked_at: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def all(self) -> Mapping[str, KnownStatus]:
        """Of every robot, after a moment at most: one that does not answer holds up nobody."""
        now = time.monotonic()
        for name, robot in self._engine.robots.items():
            if name not in self._asking and now - self._asked_at.get(name, -1e9) >= _FRESH_S:
                self._asked_at[name] = now
                task = asyncio.create_task(self._ask(robot), name=f"{name} status for pages")
                self._asking[name] = task
        if self._asking:
            await asyncio.wait(set(self._asking.values()), timeout=_PATIENCE_S)
        return self._known

    async def _ask(self, robot: Robot) -> None:
        before = self._known.get(robot.name, KnownStatus())
        try:
            status = await robot.status() if robot.connected else None
        except RobotqError as error:
            self._known[robot.name] = KnownStatus(status=before.status, error=error)
        else:
            self._known[robot.name] = KnownStatus(status=status)
        finally:
            del self._asking[robot.name]

    async def close(self) -> None:
        """Leave what is still being asked."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


class Dashboard:
    """What the dashboard needs besides the engine."""

    def __init__(self, engine: Engine, keyed: Callable[[], bool]) -> None:
        self.keyed = keyed
        """Whether a key is needed."""
        self.statuses = Statuses(engine)
        self.files: Mapping[str, WebFile] = {}

    async def start(self, _app: web.Application) -> None:
        """Read the files. Raises OSError."""
        self.files = await asyncio.to_thread(read_dashboard)

    async def stop(self, _app: web.Application) -> None:
        await self.statuses.close()


DASHBOARD = web.AppKey("dashboard", Dashboard)
