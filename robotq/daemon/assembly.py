"""The composition root: puts a daemon together, keeps it up, and brings it down in order."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from robotq.api.access.keys import KeyFile
from robotq.api.app import Site
from robotq.api.http.served import Served
from robotq.api.interfaces import INTERFACES
from robotq.api.warm import warm
from robotq.catalog import Catalog, load_catalog
from robotq.checks.written import examine
from robotq.config import Config
from robotq.drivers.brought import commands_of
from robotq.drivers.registry import driver_factories
from robotq.engine.engine import Engine
from robotq.engine.start import start_engine
from robotq.engine.state.known_robots import KnownRobots
from robotq.engine.upkeep.event_log import events_logged
from robotq.inbox.commands import CommandFiles
from robotq.inbox.hot_folder import HotFolder
from robotq.model import crashpoints
from robotq.model.errors import ConfigError, DataUnavailable
from robotq.store.memory import MemoryStore
from robotq.store.port import Store
from robotq.store.sqlite.store import SqliteStore
from robotq.system.clocks import SystemClock
from robotq.system.listen import check_exposure, forget_port, open_sockets, write_port
from robotq.system.watchdog import Watchdog
from robotq.workers import Workers

if TYPE_CHECKING:
    from robotq.fleet.fleet import Fleet

_log = logging.getLogger(__name__)

_HANDLERS_S = 1.0
"""Wall seconds that open requests get at the end; streams never end by themselves."""
_IDLE_S = 300.0
"""Wall seconds that a connection may do nothing after a request."""


class Daemon:
    """A daemon that serves."""

    def __init__(
        self,
        engine: Engine,
        addresses: Sequence[tuple[str, int]],
        own_addresses: Mapping[str, Sequence[tuple[str, int]]],
        fleet: Fleet | None = None,
    ) -> None:
        self.engine = engine
        self.fleet = fleet
        self.addresses = addresses
        """Every (IP address, port) of the main port; the port is the real one."""
        self.own_addresses = own_addresses
        """The same of each interface that has a port of its own."""

    async def reload_on(self, asked: asyncio.Event) -> None:
        """Reload each time that `asked` is set; a refusal is logged and changes nothing."""
        while True:
            await asked.wait()
            asked.clear()
            try:
                await self.engine.reload_configuration("SIGHUP")
            except Exception as error:  # noqa: BLE001 - the daemon goes on as it was
                unexpected = None if isinstance(error, ConfigError) else error
                _log.error("not reloaded, nothing was changed: %s", error, exc_info=unexpected)


def _catalog(config: Config) -> Catalog:
    return load_catalog(config.commands, commands_of(config.robots))


@asynccontextmanager
async def running_engine(
    config: Config,
    load: Callable[[], Config] | None = None,
    *,
    end: asyncio.Event | None = None,
    begin: bool = True,
) -> AsyncIterator[Engine]:
    """An engine on the configuration's store, without any interface. `load` reads the
    configuration again, for a reload; `begin` as with `start_engine`.

    Raises ConfigError where data folder, specs, drivers, labs or places are not right;
    DataUnavailable where `end` is set while the data of an earlier robotq is moved, which takes
    minutes.
    """
    crashpoints.arm(os.environ)
    catalog = await asyncio.to_thread(_catalog, config)
    written = await asyncio.to_thread(examine, config, catalog)
    for note in written.notes:
        _log.info("%s", note)
    factories = await asyncio.to_thread(driver_factories)

    def read_again() -> tuple[Config, Catalog, KnownRobots]:
        assert load is not None
        new = load()
        specs = _catalog(new)
        return new, specs, examine(new, specs).known

    engine = await start_engine(
        config,
        catalog,
        await _store(config, end),
        factories,
        known=written.known,
        read_again=None if load is None else read_again,
        begin=begin,
    )
    async with events_logged(engine.reads, for_people=config.log == "text"):
        try:
            yield engine
        finally:
            await engine.shut_down()


@asynccontextmanager
async def running_daemon(
    config: Config,
    load: Callable[[], Config],
    *,
    reload: asyncio.Event,
    end: asyncio.Event | None = None,
) -> AsyncIterator[Daemon]:
    """A daemon that serves inside the block; at its end everything is on disk.

    `load` reads the configuration again, when somebody asks over HTTP or sets `reload`.
    The real port is in `<data>/port`. Raises CannotListen, ConfigError, DataUnavailable; `end`
    as with `running_engine`.
    """
    keys = await asyncio.to_thread(KeyFile, config.data)
    await asyncio.to_thread(check_exposure, config.host, guarded=is_guarded(config, keys))
    await asyncio.to_thread(make_data_folder, config.data)
    await asyncio.to_thread(keys.note)
    async with AsyncExitStack() as stack:
        # before the engine: a second start ends here and not after a robot was spoken to
        sockets = await _opened(stack, config.host, config.port)
        own_sockets: dict[str, Sequence[socket.socket]] = {}
        for interface in INTERFACES:
            port = interface.config(config).port
            if interface.config(config).enabled and port is not None:
                own_sockets[interface.name] = await _opened(stack, config.host, port)
        watchdog = Watchdog(SystemClock())
        watchdog.start()
        stack.callback(watchdog.stop)
        served: list[Served] = []

        async def end_requests() -> None:
            await asyncio.gather(*(one.close() for one in served))

        stack.push_async_callback(end_requests)
        # shut down while the listeners are still open: stop and status get through to the end
        engine = await stack.enter_async_context(running_engine(config, load, end=end, begin=False))
        addresses = _addresses(sockets)
        own_addresses = {name: _addresses(own) for name, own in own_sockets.items()}
        workers = Workers(engine)
        workers.start()
        stack.push_async_callback(workers.stop)
        if config.inbox.enabled:
            inbox = command_inbox(engine)
            await inbox.start()
            stack.push_async_callback(inbox.stop)
        everywhere = [*addresses, *(one for own in own_addresses.values() for one in own)]
        fleet = await _fleet(stack, config, engine)
        daemon = Daemon(engine, addresses, own_addresses, fleet)
        site = Site(
            engine, workers, keys=keys, watchdog=watchdog, addresses=everywhere, fleet=fleet
        )
        apps: list[tuple[web.Application, Sequence[socket.socket]]] = [(site.main(), sockets)]
        with_ports = [one for one in site.interfaces if one.name in own_sockets]
        apps += [(site.own(one), own_sockets[one.name]) for one in with_ports]
        for app, of_app in apps:
            application = Served(app, handlers_s=_HANDLERS_S, idle_s=_IDLE_S)
            served.append(application)
            await application.start()
            # all are open since `open_sockets`; who has connected meanwhile is answered now
            for sock in of_app:
                await application.listen(sock)
        await site.first_answered()
        await _begin(engine, fleet)
        port_file = config.data / "port"
        await asyncio.to_thread(write_port, port_file, addresses[0][1])
        stack.push_async_callback(forget_port, port_file)
        reloading = asyncio.create_task(daemon.reload_on(reload), name="reload")
        stack.callback(reloading.cancel)
        warming = asyncio.create_task(warm(), name="warm")
        stack.callback(warming.cancel)
        yield daemon


async def _begin(engine: Engine, fleet: Fleet | None) -> None:
    if fleet is not None:
        # a stop of the fleet that stands is latched before anything starts
        await fleet.before_begin()
        fleet.start()
    engine.begin()


async def _fleet(stack: AsyncExitStack, config: Config, engine: Engine) -> Fleet | None:
    """What the daemon is a part of; ends with `stack`. Raises ConfigError, DataUnavailable."""
    if config.fleet.dsn is None:
        return None
    fleet = await asyncio.to_thread(_read_fleet, config, engine)
    stack.push_async_callback(fleet.stop)
    return fleet


def _read_fleet(config: Config, engine: Engine) -> Fleet:
    """Its modules are many, and read by who needs them."""
    try:
        from robotq.api.fleet import elsewhere, state  # noqa: F401, PLC0415 - the site needs them
        from robotq.fleet.fleet import Fleet  # noqa: PLC0415 - needs psycopg
    except ModuleNotFoundError as error:
        raise without_extra("fleet.dsn", error) from error
    return Fleet(config, engine, config.data)


def command_inbox(engine: Engine) -> HotFolder:
    """The folder for robot command files, `<data>/inbox`."""
    config = engine.config
    return HotFolder(
        config.data / "inbox",
        CommandFiles(engine),
        engine,
        config.inbox,
        lasts_s=config.retention.idempotency_hours * 3_600,
    )


async def _opened(stack: AsyncExitStack, host: str, port: int) -> Sequence[socket.socket]:
    """Sockets that are closed with `stack`. Raises CannotListen."""
    sockets = await asyncio.to_thread(open_sockets, host, port)
    for one in sockets:
        stack.callback(one.close)
    return sockets


def _addresses(sockets: Sequence[socket.socket]) -> Sequence[tuple[str, int]]:
    return [one.getsockname()[:2] for one in sockets]


def is_guarded(config: Config, keys: KeyFile) -> bool:
    """Whether somebody has said who may use the daemon over the network."""
    return bool(
        config.allow_anonymous or config.trusted_networks or config.require_key or keys.required
    )


def make_data_folder(folder: Path) -> None:
    """A folder that only its owner can look into. Raises DataUnavailable."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        there = next(one for one in (folder, *folder.parents) if one.exists())
        raise DataUnavailable(f"data: {there} is a file, expected a folder") from error
    except OSError as error:
        raise DataUnavailable(f"data: cannot make the folder {folder}: {error.strerror}") from error


async def _store(config: Config, end: asyncio.Event | None) -> Store:
    """Raises ConfigError."""
    own: Store = MemoryStore()
    if config.store.own != "memory":
        own = SqliteStore(config.data) if end is None else SqliteStore(config.data, end.is_set)
    if config.store.workers is None:
        return own
    make = await asyncio.to_thread(_read_shared_store)
    return make(own, config.store.workers, config)


def _read_shared_store() -> Callable[[Store, str, Config], Store]:
    """Its modules are many, and read by who needs them."""
    try:
        from robotq.daemon.shared_store import shared_store  # noqa: PLC0415 - needs psycopg
    except ModuleNotFoundError as error:
        raise without_extra("store.workers", error) from error
    return shared_store


def without_extra(key: str, error: ModuleNotFoundError) -> Exception:
    """What to raise where a module is not there."""
    if error.name not in ("psycopg", "psycopg_pool"):
        return error
    return ConfigError(
        f"{key}: needs the extra postgres, and {error.name} is not installed: "
        "pip install 'robotq[postgres]'"
    )
