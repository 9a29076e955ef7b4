"""SAQ on PostgreSQL, which it starts itself in FOLDER: one job at a time.

Run it with `python with_saq.py FOLDER TASKS`. Its processor time is without that of PostgreSQL.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from saq import Queue, Worker

_started: list[float] = []


async def noop(context: dict[str, Any]) -> bool:  # noqa: ARG001 - as SAQ calls it
    _started.append(time.perf_counter())
    return True


async def _drain(url: str, tasks: int) -> dict[str, float]:
    queue = Queue.from_url(url)
    await queue.connect()
    for _ in range(tasks):
        await queue.enqueue("noop", timeout=0, ttl=600)
    worker = Worker(queue, functions=[noop], concurrency=1)
    worked = time.process_time()
    working = asyncio.create_task(worker.start())
    while await queue.count("incomplete"):  # noqa: ASYNC110 - SAQ tells nobody that it is empty
        await asyncio.sleep(0.05)
    worked = time.process_time() - worked
    await worker.stop()
    await asyncio.gather(working, return_exceptions=True)
    await queue.disconnect()
    seconds = _started[-1] - _started[0]
    return {"rate": (tasks - 1) / seconds, "cpu_ms": worked / tasks * 1000}


def _measured(folder: Path, tasks: int) -> dict[str, float]:
    data = folder / "postgres"
    socket = folder / "socket"
    socket.mkdir()
    subprocess.run(
        ["initdb", "-D", data, "-A", "trust", "-U", "bench"], check=True, stdout=subprocess.DEVNULL
    )
    options = f"-c listen_addresses='' -c unix_socket_directories={socket}"
    control = ["pg_ctl", "-D", str(data), "-s", "-w"]
    log = str(folder / "postgres.log")
    subprocess.run([*control, "-l", log, "-o", options, "start"], check=True)
    try:
        return asyncio.run(_drain(f"postgresql://bench@/postgres?host={socket}", tasks))
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True)


if __name__ == "__main__":
    print(json.dumps(_measured(Path(sys.argv[1]), int(sys.argv[2]))))
