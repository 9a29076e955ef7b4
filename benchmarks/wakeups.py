"""How long a task takes from one daemon to a worker that waits at another one."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from benchmarks.client import Connection, message
from benchmarks.figures import Figure, Options, percentile
from benchmarks.process import DaemonProcess, empty
from benchmarks.shared import database, server_in
from tests.postgres.pooler import pooler

TITLE = "submit at one daemon to claim at another, woken by PostgreSQL or asking it"

_SUBMIT = message("POST", "/apis/task-queue/api/tasks/create", {"task_type": "bench"})


def run(options: Options) -> list[Figure]:
    """Nothing waits before each submit. Through a pooler a daemon is not woken."""
    server = server_in(options.folder / "shared-server")
    with ExitStack() as stack:
        far = stack.enter_context(pooler(server, options.folder / "pooler"))
        ways = {
            "bell": (server, None),
            "asking": (far, None),
            "bell_beside_pooler": (far, server),
        }
        return [
            _figure(name, _measured(dsn, direct, name, options))
            for name, (dsn, direct) in ways.items()
        ]


def _figure(name: str, times: Sequence[float]) -> Figure:
    p50, p99 = (percentile(times, part) * 1000 for part in (50, 99))
    raw = f"{len(times)} tasks: p50 {p50:.1f}, p99 {p99:.1f}, most {max(times) * 1000:.1f} ms"
    return Figure(name=f"wakeups.{name}", value=p50, unit="ms", raw=raw)


def _measured(dsn: str, direct: str | None, name: str, options: Options) -> Sequence[float]:
    from psycopg.conninfo import conninfo_to_dict, make_conninfo  # noqa: PLC0415

    made = database(direct or dsn, f"wakeups_{name}")
    name = str(conninfo_to_dict(made)["dbname"])
    environ: Mapping[str, str] = {"ROBOTQ_STORE__WORKERS": make_conninfo(dsn, dbname=name)}
    if direct is not None:
        environ = {**environ, "ROBOTQ_STORE__LISTEN_DSN": made}
    folder = options.folder / "wakeups"
    with ExitStack() as stack:
        here, there = (
            stack.enter_context(DaemonProcess(empty(folder / str(number)), environ=environ))
            for number in range(2)
        )
        # both are listening by then
        time.sleep(3)
        return [_one(here.port, there.port, f"w{number}") for number in range(options.calls // 3)]


def _one(submit_at: int, claim_at: int, worker: str) -> float:
    claimed: list[float] = []

    def claim() -> None:
        path = "/apis/task-queue/api/tasks/next?wait=30"
        with Connection(claim_at) as waiting:
            answer = waiting.send(message("POST", path, {"worker_id": worker}))
            claimed.append(time.perf_counter())
            assert answer.status == 200, answer

    thread = threading.Thread(target=claim)
    thread.start()
    # it waits by then; and the submit comes at any time between two looks
    time.sleep(0.05 + (hash(worker) % 100) / 1000)
    with Connection(submit_at) as here:
        began = time.perf_counter()
        assert here.send(_SUBMIT).status == 200
        thread.join()
    return claimed[0] - began
