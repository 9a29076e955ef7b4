"""Puts an engine together from its parts and brings it to where the last run left off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from math import ceil
from typing import Any

from robotq.catalog import Catalog
from robotq.config import WORKER_QUEUES, Config
from robotq.drivers.base import DriverFactory, DriverSetup, LinkState, unknown_driver
from robotq.engine.checklist.manual_steps import ManualSteps
from robotq.engine.commit.journal import Journal
from robotq.engine.commit.late import undo_late
from robotq.engine.engine import Engine
from robotq.engine.events.bus import EventBus
from robotq.engine.holds.board import HoldBoard, places_to_resources
from robotq.engine.holds.writer import HoldWriter
from robotq.engine.queue.queue import TaskQueue
from robotq.engine.reads import Reads
from robotq.engine.recovery import recover
from robotq.engine.robot.driver_threads import DriverHost
from robotq.engine.robot.executor import ExecutorDeps
from robotq.engine.robot.handlers import check_handlers
from robotq.engine.robot.robot import Robot
from robotq.engine.robot.stop_file import StopFile
from robotq.engine.settings import Settings
from robotq.engine.state.estimates import Estimates
from robotq.engine.state.known_robots import NOBODY_KNOWS, KnownRobots
from robotq.engine.state.resources import Resources
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.waiting.reorder import REVISIONS
from robotq.engine.webhooks.service import Webhooks
from robotq.model.clock import MotionClock, ScaledClock, SystemClock, VirtualClock, WallClock
from robotq.model.errors import ConfigError, DataUnavailable
from robotq.model.hold import HoldCode
from robotq.model.task import Task
from robotq.store.port import InFolder, Restored, Store, StoreUnavailable

_log = logging.getLogger(__name__)

_CLOSE_S = 5.0
"""Wall seconds that a driver gets to close where the start has failed."""


class _Link:
    """Where a driver reports its link before its robot exists."""

    def __init__(self) -> None:
        self.report: Callable[[LinkState, str], None] = lambda *_: None

    def __call__(self, state: LinkState, reason: str) -> None:
        self.report(state, reason)


async def start_engine(
    config: Config,
    catalog: Catalog,
    store: Store,
    factories: Mapping[str, DriverFactory],
    *,
    clock: WallClock | None = None,
    simulated_clock: MotionClock | None = None,
    probe_s: float = 1.0,
    known: KnownRobots = NOBODY_KNOWS,
) -> Engine:
    """Open the store, make the drivers, recover, and start the executors.

    `factories` maps driver names to what makes them. `simulated_clock` is for simulated
    drivers; without it one is made from `config.time_scale`. `probe_s` are the seconds between
    two looks whether a disk that takes no writes takes them again. `known`: what is known
    of the robots. When this returns,
    everything that the run before left open is decided and on disk.
    Raises ConfigError for what is wrong with the data folder, a driver or its options;
    DataUnavailable where that is the disk's fault.
    """
    check_handlers(catalog)
    clock = clock or SystemClock()
    simulated = simulated_clock or motion_clock(config.time_scale)
    restored = await store.open(finished=config.queue.finished_in_memory)
    links = {name: _Link() for name in config.robots}
    hosts: dict[str, DriverHost] = {}
    try:
        await _make_hosts(hosts, config, factories, simulated, links)
        engine = await _recovered(
            Settings(config, catalog, known),
            store,
            restored,
            hosts,
            clock=clock,
            simulated=simulated,
            probe_s=probe_s,
        )
    except BaseException as error:
        await asyncio.gather(*(host.close(_CLOSE_S) for host in hosts.values()))
        await store.close()
        if isinstance(error, StoreUnavailable):
            raise DataUnavailable(f"the data cannot be written: {error}") from error
        raise
    for name, robot in engine.robots.items():
        links[name].report = robot.link_changed
    _connect(engine)
    await engine.run_background()
    return engine


async def _recovered(
    settings: Settings,
    store: Store,
    restored: Restored,
    hosts: Mapping[str, DriverHost],
    *,
    clock: WallClock,
    simulated: MotionClock,
    probe_s: float,
) -> Engine:
    """The engine on what the store has restored; nothing of it runs yet."""
    config = settings.config
    bus = EventBus(last_event_id=restored.last_event_id, listeners=config.limits.event_streams)
    memory = TaskMemory(
        restored,
        queues=config.robots,
        finished=config.queue.finished_in_memory,
        pools=WORKER_QUEUES,
        finished_bytes=config.queue.max_bytes // 4,
    )
    reads = Reads(store, memory)
    holds = HoldBoard(config.robots, restored.holds, clock)
    resources = Resources(places_to_resources(config.resources), restored.occupancies)
    journal = Journal(store, bus, probe_s=probe_s)
    hold_writer = HoldWriter(holds, journal, restored.holds)
    stop_file = StopFile(store.folder if isinstance(store, InFolder) else None)
    for name, stop in (await asyncio.to_thread(stop_file.read, config.robots)).items():
        if not holds.has(name, HoldCode.ESTOP):
            holds.set(name, HoldCode.ESTOP, actor=stop["actor"], reason=stop["reason"])
    webhooks = Webhooks(
        settings=settings,
        reads=reads,
        journal=journal,
        clock=clock,
        pending=restored.deliveries,
    )

    steps = ManualSteps(settings, clock)

    def on_start(name: str) -> bool:
        host = hosts.get(name)
        if host is None:
            return False
        wanted = config.robots[name].on_start
        return wanted == "hold" or (wanted is None and not host.capabilities.simulated)

    bus.publish(
        await recover(
            store,
            memory,
            holds,
            webhooks,
            clock,
            hold_writer=hold_writer,
            steps=steps,
            idempotent=settings.idempotent,
            holds_on_start=on_start,
            configured=config.robots,
        )
    )
    queue = TaskQueue(
        reads=reads,
        journal=journal,
        memory=memory,
        holds=holds,
        hold_writer=hold_writer,
        resources=resources,
        clock=clock,
        settings=settings,
        estimates=Estimates(
            (task for task in restored.finished if task.work is None), config.time_scale
        ),
        webhooks=webhooks,
        steps=steps,
        # ranks that were given to tasks moved to the end are numbers of arrival too
        last_seq=max([restored.last_seq, *(ceil(task.rank) for task in restored.unfinished)]),
        revisions=restored.facts.get(REVISIONS, {}),
    )
    queue.fitting.take(await queue.fitting.look())
    misfits = queue.fitting.misfits()
    if misfits.number:
        _log.warning("%s", misfits.line)
    deps = ExecutorDeps(
        queue=queue,
        journal=journal,
        holds=holds,
        resources=resources,
        clock=clock,
        settings=settings,
    )
    robots = {
        name: Robot(name, host, simulated if host.capabilities.simulated else ScaledClock(), deps)
        for name, host in hosts.items()
    }
    return Engine(
        settings=settings,
        store=store,
        reads=reads,
        journal=journal,
        bus=bus,
        holds=holds,
        hold_writer=hold_writer,
        stop_file=stop_file,
        resources=resources,
        queue=queue,
        robots=robots,
        webhooks=webhooks,
        item_ids=steps.ids,
        clock=clock,
    )


def motion_clock(time_scale: float) -> MotionClock:
    """The clock of simulated motion for a `time_scale`."""
    return VirtualClock() if time_scale == 0 else ScaledClock(time_scale)


def _connect(engine: Engine) -> None:
    """Let the parts hear of each other's changes."""
    queue, holds, journal = engine.queue, engine.holds, engine.journal

    def stop_running(task: Task, actor: str, reason: str) -> None:
        robot = engine.robots.get(task.queue)
        if robot is not None:
            robot.executor.cancel(task.id, actor=actor, reason=reason)

    def outage(reason: str) -> None:
        for name in (*engine.robots, *queue.memory.pools):
            holds.set(name, HoldCode.STORE_UNAVAILABLE, reason=reason)

    async def recovery() -> None:
        over = [hold for hold in holds.all() if hold.code is HoldCode.STORE_UNAVAILABLE]
        await engine.hold_writer.lift(*over)
        for pool in queue.memory.pools.values():
            pool.wake()

    def worked_s(task: Task) -> float | None:
        robot = engine.robots.get(task.queue)
        motion_s = None if robot is None else robot.executor.worked_s
        if robot is None or motion_s is None:
            return None
        return motion_s * (engine.config.time_scale if robot.capabilities.simulated else 1.0)

    queue.stop_running = stop_running
    queue.estimates.worked_s = worked_s
    holds.on_change = queue.memory.wake
    journal.on_outage = outage
    journal.on_recovery = recovery
    journal.on_late = partial(undo_late, engine)


async def _make_hosts(
    hosts: dict[str, DriverHost],
    config: Config,
    factories: Mapping[str, DriverFactory],
    simulated: MotionClock,
    links: Mapping[str, _Link],
) -> None:
    """Fill `hosts`, by robot. Where one cannot be made, those before it are in there."""
    shared: MutableMapping[str, Any] = {}
    for name, robot in config.robots.items():
        factory = factories.get(robot.driver)
        if factory is None:
            raise ConfigError(f"{config.name}: {unknown_driver(name, robot.driver, factories)}")
        setup = DriverSetup(
            robot=name,
            options=robot.options,
            data=config.data,
            clock=simulated,
            link_changed=links[name],
            shared=shared,
        )
        try:
            # drivers read their files when they are made
            driver = await asyncio.to_thread(factory, setup)
        except ConfigError as error:
            raise ConfigError(f"{config.name}: {error}") from error
        hosts[name] = DriverHost(name, driver)
