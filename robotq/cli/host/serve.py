"""robotq serve: the daemon."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from robotq.cli.shared import parse
from robotq.cli.shared.logs import log_to_stderr, tell
from robotq.cli.shared.options import ConfigFile, TimeScale
from robotq.cli.shared.settings import loader
from robotq.cli.shared.startup import startup_lines
from robotq.cli.shared.words import say
from robotq.config import Config
from robotq.daemon.assembly import running_daemon
from robotq.daemon.process import StopSignals, run_program
from robotq.model.errors import ConfigError, DataUnavailable, NotWritten

_log = logging.getLogger(__name__)

_Host = Annotated[
    str | None,
    parse.Option("--host", help="Address to listen on; without it, this machine only."),
]
_Port = Annotated[
    int | None, parse.Option("--port", help="Port; 0 takes any free one. [default: 8090]")
]
_Data = Annotated[
    Path | None,
    parse.Option("--data", help="Data folder, made if absent. [default: robotq-data]"),
]


def serve(
    *,
    config: ConfigFile = None,
    host: _Host = None,
    port: _Port = None,
    data: _Data = None,
    mode: Annotated[
        Literal["sync", "queue"] | None,
        parse.Option(
            "--mode", help="Answer with the result (sync) or at once (queue). [default: queue]"
        ),
    ] = None,
    time_scale: TimeScale = None,
    trusted_network: Annotated[
        list[str] | None,
        parse.Option(
            "--trusted-network",
            metavar="NETWORK",
            help="Clients from here need no key, e.g. 192.168.0.0/16. Can be repeated.",
        ),
    ] = None,
) -> None:
    """Run the daemon until Ctrl-C or SIGTERM.

    Flags win over ROBOTQ_ variables, and those over the configuration file.
    """
    load = loader(
        config,
        {
            "host": host,
            "port": port,
            "data": None if data is None else str(data),
            "mode": mode,
            "time_scale": time_scale,
            "trusted_networks": trusted_network or None,
        },
    )
    _run(load)


def hub(
    *,
    config: ConfigFile = None,
    host: _Host = None,
    port: _Port = None,
    data: _Data = None,
) -> None:
    """Run a daemon without robots, which shows and accepts for a whole fleet.

    The configuration says where the fleet's database is: fleet.dsn, or ROBOTQ_FLEET__DSN.
    """
    load = loader(
        config,
        {
            "host": host,
            "port": port,
            "data": None if data is None else str(data),
            "fleet.hub": True,
        },
    )
    if load().fleet.dsn is None:
        raise ConfigError("fleet.dsn: found none, expected the address of the fleet's database")
    _run(load)


def _run(load: Callable[[], Config]) -> None:
    read = load()
    log_to_stderr(read.log_level, read.log, apart=True)
    raise parse.Exit(run_program(lambda signals: _serve(read, load, signals)))


async def _serve(config: Config, load: Callable[[], Config], signals: StopSignals) -> int:
    try:
        async with running_daemon(config, load, reload=signals.reload, end=signals.end) as daemon:
            tell(*startup_lines(config, daemon.addresses, daemon.own_addresses))
            await signals.end.wait()
            tell(say("stopping"))
    except NotWritten as error:
        tell(say("stopped.not_written", what=str(error)))
        raise
    except DataUnavailable as error:
        if not signals.end.is_set():
            raise
        # nobody waits for a start that is to end; the next one goes on where it was
        _log.warning("ended before it had started: %s", error)
    tell(say("stopped"))
    return 0
