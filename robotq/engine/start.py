"""Puts an engine together from its parts and brings it to where the last run left off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, MutableMapping, Sequence
from functools import partial
from typing import Any

from robotq.catalog import Catalog
from robotq.config import Config
from robotq.drivers.base import DriverFactory, DriverSetup, unknown_driver
from robotq.engine.assembly.base import Base, make_base
from robotq.engine.assembly.parts import make_parts
from robotq.engine.assembly.recovery import recover
from robotq.engine.control.reloading import ReadAgain
from robotq.engine.engine import Engine
from robotq.engine.robot.driver_threads import DriverHost
from robotq.engine.robot.handlers import check_handlers
from robotq.engine.settings import Settings
from robotq.engine.signals import Signals
from robotq.engine.state.known_robots import NOBODY_KNOWS, KnownRobots
from robotq.engine.timings import Timings
from robotq.model.clock import MotionClock, WallClock
from robotq.model.errors import ConfigError, DataUnavailable, NotReadable, RobotqError
from robotq.model.task import Task
from robotq.model.texts import Language, fill
from robotq.store.port import MOVING, SharedQueues, Store, moving_away
from robotq.system.clocks import ScaledClock, SystemClock, VirtualClock

_log = logging.getLogger(__name__)


async def start_engine(
    config: Config,
    catalog: Catalog,
    store: Store,
    factories: Mapping[str, DriverFactory],
    *,
    clock: WallClock | None = None,
    simulated_clock: MotionClock | None = None,
    known: KnownRobots = NOBODY_KNOWS,
    read_again: ReadAgain | None = None,
    timings: Timings = Timings(),  # noqa: B008 - it never changes
    begin: bool = True,
) -> Engine:
    """Open the store, make the drivers, recover, and start the executors.

    `factories` maps driver names to what makes them. `simulated_clock` is for simulated
    drivers; without it one is made from `config.time_scale`. `known`: what is known
    of the robots. `read_again` reads the configuration anew, for a reload. When this returns,
    everything that the run before left open is decided and on disk. Without `begin` nothing moves
    before `Engine.begin`, so that whoever wants to stop it is heard first.
    Raises ConfigError for what is wrong with the data folder, a driver or its options;
    DataUnavailable where that is the disk's fault.
    """
    check_handlers(catalog)
    if config.notify.to:
        from robotq.engine.notify.receivers import check  # noqa: PLC0415 - few sites need it

        await asyncio.to_thread(check, config.notify)
    clock = clock or SystemClock()
    simulated = simulated_clock or motion_clock(config.time_scale)
    restored = await store.open(finished=config.queue.finished_in_memory)
    moving = restored.facts.get(MOVING)
    if moving is not None and not isinstance(store, SharedQueues):
        await store.close()
        raise ConfigError(f"{config.data.absolute()}: {moving_away(moving)}")
    signals = Signals()
    hosts: dict[str, DriverHost] = {}
    try:
        settings = Settings(config, catalog, known, signals, timings=timings)
        await _make_hosts(hosts, settings, factories, simulated, signals)
        base = await make_base(settings, store, restored, clock, signals)
        ran = {task.queue for task in base.memory.running()}
        in_doubt = await _recovered(base, hosts)
        parts = make_parts(base, hosts, simulated, read_again=read_again)
        for name in ran & parts.roster.keys():
            parts.roster[name].link.may_move = True
        for task in in_doubt:
            parts.roster[task.queue].executor.doubts.of_the_run_before(task)
        fitting = parts.tasks.fitting
        fitting.take(await fitting.look())
    except BaseException as error:
        await asyncio.gather(*(host.close(timings.drivers_close_s) for host in hosts.values()))
        await store.close()
        if isinstance(error, RobotqError) and error.code.name == "store_unavailable":
            verb = "read" if isinstance(error, NotReadable) else "written"
            reason = fill("{reason}", error.args_, Language.EN)
            raise DataUnavailable(f"the data cannot be {verb}: {reason}") from error
        raise
    misfits = fitting.misfits()
    if misfits.number:
        _log.warning("%s", misfits.line)
    engine = Engine(parts)
    await engine.run_background()
    if begin:
        engine.begin()
    return engine


async def _recovered(base: Base, hosts: Mapping[str, DriverHost]) -> Sequence[Task]:
    """Decide about what the run before has left open, before anything is made that acts. Returns
    what the devices are to be asked for."""
    config = base.settings.config

    def on_start(name: str) -> bool:
        host = hosts.get(name)
        if host is None:
            return False
        wanted = config.robots[name].on_start
        return wanted == "hold" or (wanted is None and not host.capabilities.simulated)

    def settles(task: Task) -> bool:
        host, run = hosts.get(task.queue), task.run
        if host is None or host.settles is None or run is None:
            return False
        # an id says nothing to another driver, and without its spec a command has no limit
        same = run.driver == config.robots[task.queue].driver
        return same and task.command.cmd_type in base.settings.catalog

    return await recover(base, on_start, settles)


def motion_clock(time_scale: float) -> MotionClock:
    """The clock of simulated motion for a `time_scale`."""
    return VirtualClock() if time_scale == 0 else ScaledClock(time_scale)


async def _make_hosts(
    hosts: dict[str, DriverHost],
    settings: Settings,
    factories: Mapping[str, DriverFactory],
    simulated: MotionClock,
    signals: Signals,
) -> None:
    """Fill `hosts`, by robot. Where one cannot be made, those before it are in there."""
    config = settings.config
    shared: MutableMapping[str, Any] = {}
    for name, robot in config.robots.items():
        # other packages are looked through for a driver that is none of ours
        factory = await asyncio.to_thread(factories.get, robot.driver)
        if factory is None:
            raise ConfigError(f"{config.name}: {unknown_driver(name, robot.driver, factories)}")
        tenure = None
        if robot.standby is not None:
            from robotq.model.tenure import Tenure  # noqa: PLC0415 - few sites

            tenure = Tenure(name, robot.standby.fence)
        setup = DriverSetup(
            robot=name,
            options=robot.options,
            data=config.data,
            clock=simulated,
            link_changed=partial(signals.link_changed.tell, name),
            shared=shared,
            devices=robot.devices,
            tenure=tenure,
        )
        try:
            # drivers read their files when they are made
            driver = await asyncio.to_thread(factory, setup)
        except ConfigError as error:
            raise ConfigError(f"{config.name}: {error}") from error
        hosts[name] = DriverHost(name, driver, settings.timings)
