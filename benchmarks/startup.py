"""From the start of the process to the first accepted task."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.client import command
from benchmarks.database import with_finished_tasks
from benchmarks.figures import Figure, Options, Samples, ratio_of_medians, spread
from benchmarks.gap import start_no_op_engine
from benchmarks.loop import run_loop
from benchmarks.process import DaemonProcess

TITLE = "start-up with many finished tasks against ten"

_FEW = 10


def run(options: Options) -> list[Figure]:
    few = with_finished_tasks(options.folder, _FEW, options.folder / "startup-few")
    many = with_finished_tasks(options.folder, options.finished, options.folder / "startup-many")
    of_few, of_many, engine_few, engine_many = Samples(), Samples(), Samples(), Samples()
    for _ in range(options.rounds):
        of_few.add([_first_task(few)])
        of_many.add([_first_task(many)])
        engine_few.add([run_loop(_engine(few))])
        engine_many.add([run_loop(_engine(many))])
    return [
        Figure(
            name="startup.first_task",
            value=of_many.percentile(50),
            unit="s",
            target=2.0,
            raw=f"process start to 200 with {options.finished} tasks; slowest "
            f"{of_many.percentile(100):.2f} s",
        ),
        Figure(
            name="startup.against_ten",
            value=ratio_of_medians(of_many, of_few),
            raw=f"{_FEW} tasks {of_few.percentile(50):.2f} s, {spread(of_many, of_few)}",
        ),
        Figure(
            name="startup.engine",
            value=engine_many.percentile(50) * 1000,
            unit="ms",
            raw=f"store opened, engine recovered and running; with {_FEW} tasks "
            f"{engine_few.percentile(50) * 1000:.0f} ms",
        ),
    ]


def _first_task(data: Path) -> float:
    with DaemonProcess(data) as daemon, daemon.connect() as connection:
        connection.post("/", command())
        return time.perf_counter() - daemon.started_at


async def _engine(data: Path) -> float:
    began = time.perf_counter()
    engine, _ = await start_no_op_engine(data)
    seconds = time.perf_counter() - began
    await engine.shut_down()
    return seconds
