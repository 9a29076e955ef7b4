"""Another configuration: read, checked against everything it touches, and put into effect."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from robotq.catalog import Catalog
from robotq.config import Config
from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import unbroken
from robotq.engine.holds.board import places_to_resources
from robotq.engine.queue.absent import AbsentRobots
from robotq.engine.robot.handlers import check_handlers
from robotq.engine.robot.roster import Roster
from robotq.engine.settings import Settings
from robotq.engine.state.known_robots import NOBODY_KNOWS, KnownRobots
from robotq.engine.state.resources import Resources
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.waiting.fitting import Fitting
from robotq.model.clock import WallClock
from robotq.model.errors import ConfigError
from robotq.model.event import Event

_log = logging.getLogger(__name__)

ReadAgain: TypeAlias = Callable[[], tuple[Config, Catalog, KnownRobots]]
"""Reads the configuration, its specs, and what is known of its robots. Blocks, and raises
ConfigError."""


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a reload has read, checked and not yet put into effect."""

    config: Config
    catalog: Catalog
    known: KnownRobots
    drivers: Mapping[str, Callable[[], None]]


class Reloading:
    """Specs, labs, resources and thresholds change while the daemon runs; robots do not."""

    def __init__(
        self,
        *,
        settings: Settings,
        roster: Roster,
        absent: AbsentRobots,
        fitting: Fitting,
        memory: TaskMemory,
        resources: Resources,
        commit: Commit,
        clock: WallClock,
        read_again: ReadAgain | None,
    ) -> None:
        """`read_again`: None where nobody knows where the configuration was read from."""
        self._settings = settings
        self._roster = roster
        self._absent = absent
        self._fitting = fitting
        self._memory = memory
        self._resources = resources
        self._commit = commit
        self._clock = clock
        self._read_again = read_again
        self._one_at_a_time = asyncio.Lock()

    @property
    def possible(self) -> bool:
        """Whether `from_source` has somewhere to read from."""
        return self._read_again is not None

    async def from_source(self, actor: str) -> None:
        """Read configuration, specs and lab again and put them into effect, all or nothing.

        Raises ConfigError; then nothing has changed.
        """
        assert self._read_again is not None
        async with self._one_at_a_time:
            config, catalog, known = await asyncio.to_thread(self._read_again)
            prepared = await asyncio.to_thread(self.prepare, config, catalog, known)
            await self.put(prepared, actor=actor)
            _log.info("configuration reloaded for %s", actor)

    def prepare(
        self, config: Config, catalog: Catalog, known: KnownRobots = NOBODY_KNOWS
    ) -> Reloaded:
        """Check a new configuration against everything it touches; changes nothing. `known`:
        what is known of its robots.

        Raises ConfigError. Robots cannot be added, removed or given another driver this way.
        """
        check_handlers(catalog)
        if set(config.robots) != set(self._roster) or any(
            config.robots[name].driver != robot.config.driver
            or config.robots[name].devices != robot.config.devices
            or config.robots[name].standby != robot.config.standby
            for name, robot in self._roster.items()
        ):
            raise ConfigError(
                f"{config.source}: robots: adding or removing robots, or changing a driver, "
                "devices or standby, needs a restart of the daemon"
            )
        try:
            appliers = {
                name: robot.host.driver.prepare_reload(config.robots[name].options)
                for name, robot in self._roster.items()
            }
        except ConfigError as error:
            raise ConfigError(f"{config.name}: {error}") from error
        return Reloaded(config=config, catalog=catalog, known=known, drivers=appliers)

    @unbroken
    async def put(self, reloaded: Reloaded, *, actor: str) -> None:
        """Put a checked configuration into effect: specs, labs, resources, thresholds."""
        for apply in reloaded.drivers.values():
            await asyncio.to_thread(apply)
        new = Settings(reloaded.config, reloaded.catalog, reloaded.known)
        look = await self._fitting.look(new)
        self._settings.replace(reloaded.config, reloaded.catalog, reloaded.known)
        # in the same moment: nothing is claimed by the new specs that was not looked at
        self._fitting.take(look)
        self._resources.remap(places_to_resources(reloaded.config.resources))
        for name in self._roster:
            self._memory.wake(name)
        misfits = self._fitting.misfits()
        if misfits.number:
            _log.warning("%s", misfits.line)
        if self._absent.names:
            _log.warning("%s", self._absent.line)
        await self._commit.note(
            Event(
                kind="config.reloaded",
                at_ms=self._clock.now_ms(),
                actor=actor,
                robot="",
                data={"does_not_fit": misfits.number},
            )
        )
