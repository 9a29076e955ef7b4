"""The composition root: puts a daemon together, keeps it up, and brings it down in order."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from aiohttp import web

from robotq.api.access.keys import KeyFile
from robotq.api.app import Site
from robotq.api.http.served import Served
from robotq.api.interfaces import INTERFACES
from robotq.api.warm import warm
from robotq.catalog import Catalog, load_catalog
from robotq.checks.written import examine
from robotq.config import Config
from robotq.drivers.registry import commands_of, driver_factories
from robotq.engine.engine import Engine
from robotq.engine.start import start_engine
from robotq.engine.state.known_robots import KnownRobots
from robotq.engine.upkeep.event_log import events_logged
from robotq.inbox import CommandFiles, HotFolder
from robotq.model import crashpoints
from robotq.model.clock import SystemClock
from robotq.model.errors import ConfigError, DataUnavailable, NotWritten
from robotq.store.memory import MemoryStore
from robotq.store.port import Store
from robotq.store.sqlite import SqliteStore
from robotq.system import descriptors
from robotq.system.durable import write_durably
from robotq.system.listen import check_exposure, open_sockets
from robotq.system.watchdog import Watchdog
from robotq.workers import Workers

try:
    import uvloop
except ImportError:
    _new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None
else:
    _new_loop = uvloop.new_event_loop

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_HANDLERS_S = 1.0
"""Wall seconds that open requests get at the end; streams never end by themselves."""
_IDLE_S = 300.0
"""Wall seconds that a connection may do nothing after a request."""
_THREADS_S = 5.0
"""Wall seconds that threads get at the end, when all is written, before they are left behind."""
_NOT_WRITTEN_S = 0.5
"""The same where the disk has not taken everything in its time."""
_PORT_FILE_S = 1.0
"""Wall seconds that the disk gets to forget the port, before the robots are stopped."""
_SWITCH_S = 0.001
"""Wall seconds after which a busy thread lets another one have the interpreter; Python's own
value is longer. Measured with 64 submitting clients: 99 of 100 emergency stops
reach their driver within 40 ms instead of 130, at the same rate of submits. While a driver reads a
program of 900,000 lines, half of them are on the wire within 8 ms, and within 27 by twice this."""


_COLLECT_AFTER = (5_000, 20, 50)
"""When Python looks for cyclic garbage. By its own values it looks through everything while
thousands of tasks are submitted, and the event loop stands still for 100 ms with 16,000 of them
waiting; measured with 64 submitting clients, the longest turn of the loop is 20 ms by these."""


class StopSignals:
    """What the operating system asks of the process.

    The first SIGINT or SIGTERM asks for an orderly end; the second ends the process at once,
    whatever it is doing. SIGHUP asks for a reload.
    """

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.reload = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def install(self) -> None:
        """Take the signals over. Only in the main thread."""
        # handlers of the interpreter and not of the loop: they work while the loop stands still
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_end)
        if sys.platform != "win32":
            signal.signal(signal.SIGHUP, self._on_reload)

    async def unless_ended(self, work: Coroutine[Any, Any, _T]) -> _T | None:
        """The result of `work`; None where a signal came first, and then it is cancelled."""
        doing = asyncio.create_task(work)
        ending = asyncio.create_task(self.end.wait())
        try:
            await asyncio.wait({doing, ending}, return_when=asyncio.FIRST_COMPLETED)
            return doing.result() if doing.done() else None
        finally:
            for task in (doing, ending):
                task.cancel()
            await asyncio.gather(doing, ending, return_exceptions=True)

    def _on_end(self, _number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _end_at_once)
        self._loop.call_soon_threadsafe(self.end.set)

    def _on_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self.reload.set)


class Daemon:
    """A daemon that serves."""

    def __init__(
        self,
        engine: Engine,
        addresses: Sequence[tuple[str, int]],
        own_addresses: Mapping[str, Sequence[tuple[str, int]]],
    ) -> None:
        self.engine = engine
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
    config: Config, load: Callable[[], Config] | None = None
) -> AsyncIterator[Engine]:
    """An engine on the configuration's store, without any interface. `load` reads the
    configuration again, for a reload.

    Raises ConfigError where data folder, specs, drivers, labs or places are not right.
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
        _store(config),
        factories,
        known=written.known,
        read_again=None if load is None else read_again,
    )
    async with events_logged(engine.reads, for_people=config.log == "text"):
        try:
            yield engine
        finally:
            await engine.shut_down()


@asynccontextmanager
async def running_daemon(
    config: Config, load: Callable[[], Config], *, reload: asyncio.Event
) -> AsyncIterator[Daemon]:
    """A daemon that serves inside the block; at its end everything is on disk.

    `load` reads the configuration again, when somebody asks over HTTP or sets `reload`.
    The real port is in `<data>/port`. Raises CannotListen, ConfigError, DataUnavailable.
    """
    keys = await asyncio.to_thread(KeyFile, config.data)
    await asyncio.to_thread(check_exposure, config.host, guarded=is_guarded(config, keys))
    await asyncio.to_thread(make_data_folder, config.data)
    await asyncio.to_thread(keys.note)
    async with AsyncExitStack() as stack:
        # before the engine: a second start ends here and not after a robot was spoken to
        sockets = await asyncio.to_thread(open_sockets, config.host, config.port)
        for one in sockets:
            stack.callback(one.close)
        own_sockets: dict[str, Sequence[socket.socket]] = {}
        for interface in INTERFACES:
            port = interface.config(config).port
            if interface.config(config).enabled and port is not None:
                own = await asyncio.to_thread(open_sockets, config.host, port)
                own_sockets[interface.name] = own
                for one in own:
                    stack.callback(one.close)
        watchdog = Watchdog(SystemClock())
        watchdog.start()
        stack.callback(watchdog.stop)
        served: list[Served] = []

        async def end_requests() -> None:
            await asyncio.gather(*(one.close() for one in served))

        stack.push_async_callback(end_requests)
        # shut down while the listeners are still open: stop and status get through to the end
        engine = await stack.enter_async_context(running_engine(config, load))
        addresses = _addresses(sockets)
        own_addresses = {name: _addresses(own) for name, own in own_sockets.items()}
        daemon = Daemon(engine, addresses, own_addresses)
        workers = Workers(engine)
        workers.start()
        stack.push_async_callback(workers.stop)
        if config.inbox.enabled:
            inbox = command_inbox(engine)
            await inbox.start()
            stack.push_async_callback(inbox.stop)
        everywhere = [*addresses, *(one for own in own_addresses.values() for one in own)]
        site = Site(engine, workers, keys=keys, watchdog=watchdog, addresses=everywhere)
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
        port_file = config.data / "port"
        await asyncio.to_thread(_write_port, port_file, addresses[0][1])
        stack.push_async_callback(_forget_port, port_file)
        reloading = asyncio.create_task(daemon.reload_on(reload), name="reload")
        stack.callback(reloading.cancel)
        warming = asyncio.create_task(warm(), name="warm")
        stack.callback(warming.cancel)
        yield daemon


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


def run_program(program: Callable[[StopSignals], Coroutine[Any, Any, int]]) -> int:
    """Run an event loop until `program` returns the exit code of the process.

    uvloop is used where it is installed. A thread that is stuck, in a driver for example,
    cannot keep the process alive.
    """

    async def main() -> int:
        signals = StopSignals()
        signals.install()
        return await program(signals)

    descriptors.raise_limit()
    sys.setswitchinterval(_SWITCH_S)
    # what is imported by now stays, so nobody has to look through it; there is hardly any garbage
    # in it, and looking for that takes a tenth of the start
    gc.freeze()
    gc.enable()
    gc.set_threshold(*_COLLECT_AFTER)
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        threads_s = _THREADS_S
        try:
            code = runner.run(main())
        except NotWritten:
            # told already; a thread that waits for the disk has had its time
            code, threads_s = 1, _NOT_WRITTEN_S
        last_resort = threading.Timer(threads_s, _leave, args=(code,))
        last_resort.daemon = True
        last_resort.start()
    return code


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


def _write_port(file: Path, port: int) -> None:
    """Raises DataUnavailable."""
    try:
        # whole, for whoever waits for it
        write_durably(file, f"{port}\n".encode())
    except OSError as error:
        raise DataUnavailable(f"{file} cannot be written: {error.strerror}") from error


async def _forget_port(file: Path) -> None:
    """A disk that does not answer must not keep the robots from being stopped."""
    removing = asyncio.ensure_future(asyncio.to_thread(file.unlink, missing_ok=True))
    try:
        async with asyncio.timeout(_PORT_FILE_S):
            await removing
    except TimeoutError:
        _log.warning("%s is left: the disk does not answer", file)
    except OSError as error:
        _log.warning("%s is left: %s", file, error.strerror)


def _store(config: Config) -> Store:
    if config.store == "memory":
        return MemoryStore()
    return SqliteStore(config.data)


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    os._exit(130)


def _leave(code: int) -> None:
    """End the process although threads are still at work."""
    _log.warning("left behind at the end: %s", ", ".join(t.name for t in threading.enumerate()))
    logging.shutdown()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(code)
