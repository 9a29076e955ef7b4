"""robotq: the engine with its durable store, as the daemon has it, and a driver that does nothing.

Run it with `python -m benchmarks.contestants.with_robotq FOLDER TASKS`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.gap import start_no_op_engine
from benchmarks.loop import run_loop

_ROBOT = "robot_a"


async def _drain(folder: Path, tasks: int) -> dict[str, float]:
    engine, driver = await start_no_op_engine(folder)
    try:
        await engine.pause(_ROBOT, actor="bench")
        order = engine.intake.read({"cmd_type": "NOOP"})
        accepted = await engine.queue.submit(
            [order] * tasks, api="robot", actor="bench", batch=True, contiguous=False
        )
        worked = time.process_time()
        await engine.resume(_ROBOT, actor="bench")
        last = await engine.queue.wait_ended(accepted.task_ids[-1], 600)
        worked = time.process_time() - worked
        assert last.state.final
        assert len(driver.started) == tasks
        seconds = driver.started[-1] - driver.started[0]
        return {"rate": (tasks - 1) / seconds, "cpu_ms": worked / tasks * 1000}
    finally:
        await engine.shut_down()


if __name__ == "__main__":
    print(json.dumps(run_loop(_drain(Path(sys.argv[1]), int(sys.argv[2])))))
