"""Huey on SQLite: `fsync=True`, results stored, one worker thread.

Run it with `python with_huey.py FOLDER TASKS`.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

from huey import SqliteHuey
from huey.consumer import Consumer


def _drain(folder: Path, tasks: int) -> dict[str, float]:
    huey = SqliteHuey(filename=str(folder / "huey.db"), fsync=True, results=True)
    started: list[float] = []
    all_started = threading.Event()

    # a result of None would not be stored
    @huey.task()  # type: ignore[untyped-decorator]
    def noop() -> bool:
        started.append(time.perf_counter())
        if len(started) == tasks:
            all_started.set()
        return True

    for _ in range(tasks):
        noop()
    consumer = Consumer(
        huey, workers=1, worker_type="thread", periodic=False, check_worker_health=False
    )
    worked = time.process_time()
    consumer.start()
    assert all_started.wait(600)
    while huey.result_count() < tasks:
        time.sleep(0.001)
    worked = time.process_time() - worked
    consumer.stop(graceful=True)
    seconds = started[-1] - started[0]
    return {"rate": (tasks - 1) / seconds, "cpu_ms": worked / tasks * 1000}


if __name__ == "__main__":
    print(json.dumps(_drain(Path(sys.argv[1]), int(sys.argv[2]))))
