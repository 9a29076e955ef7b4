"""A hundred workers, a quarter of them in each of four processes, which die too.

    python -m tests.fleet.weather.workers FOLDER SEED FIRST COUNT URL...

Each writes down what it begins, before it begins.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from robotq.client.worker import Job, Worker
from robotq.testing.process import clean_environment
from tests.fleet.processes import whole_lines

_PROCESSES = 4


class Workers:
    """Processes with workers; what they have begun stays over all their lives."""

    def __init__(self, folder: Path, urls: Sequence[str], *, seed: int, count: int) -> None:
        self._folder = folder / "workers"
        self._folder.mkdir()
        self._urls = urls
        self._seed = seed
        self._each = count // _PROCESSES
        self._processes: list[subprocess.Popen[bytes] | None] = [None] * _PROCESSES
        self._lives = 0

    def start(self) -> None:
        for number, process in enumerate(self._processes):
            if process is None and self._each:
                self._lives += 1
                own = [str(self._folder), f"{self._seed}:{self._lives}"]
                own += [str(number * self._each), str(self._each), *self._urls]
                with (self._folder / f"{number}.log").open("ab") as log:
                    self._processes[number] = subprocess.Popen(
                        [sys.executable, "-m", "tests.fleet.weather.workers", *own],
                        stdout=log,
                        stderr=log,
                        env=clean_environment({}),
                        cwd=Path(__file__).parents[3],
                    )

    def kill(self, number: int) -> None:
        process = self._processes[number % _PROCESSES]
        if process is not None:
            process.kill()
            process.wait()
        self._processes[number % _PROCESSES] = None

    def end(self) -> None:
        for number in range(_PROCESSES):
            self.kill(number)

    def begun(self) -> list[dict[str, Any]]:
        """worker, task_id, token, number, at_s (of the wall's clock)."""
        return [line for file in sorted(self._folder.glob("*.begun")) for line in whole_lines(file)]


async def _work(folder: Path, seed: str, first: int, count: int, urls: Sequence[str]) -> None:
    chance = random.Random(f"{seed}:{first}")
    log = os.open(folder / f"{first}-{seed}.begun", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    async def square(job: Job) -> object:
        assert isinstance(job.params, dict)
        number = job.params["number"]
        assert isinstance(number, int)
        line = {"task_id": job.task_id, "token": job.token, "number": number, "at_s": time.time()}
        os.write(log, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        await asyncio.sleep(chance.uniform(0.05, 3.0))
        return {"square": number * number}

    workers = [
        Worker(
            chance.choice(urls),
            square,
            spool=folder / f"spool-{number}",
            worker_id=f"worker-{number}",
            back_off_s=(0.2, 2.0),
        )
        for number in range(first, first + count)
    ]
    await asyncio.gather(*(worker.run() for worker in workers))


if __name__ == "__main__":
    _, _folder, _seed, _first, _count, *_urls = sys.argv
    asyncio.run(_work(Path(_folder), _seed, int(_first), int(_count), _urls))
