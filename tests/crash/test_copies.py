"""The copies of tasks and results after a power cut: whole files or none, and what is told to be
written out is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.crash import power

pytestmark = pytest.mark.skipif(not power.possible(), reason="needs Linux and a C compiler")

_WRITES = """
import sys
from pathlib import Path

from robotq.api.task_queue.files import Copies
from robotq.model.task import Command, Task, TaskState

copies = Copies(Path(sys.argv[1]), None)
copies._begin()
for number in range(1, 4):
    command = Command(cmd_type="ANALYSE", params={"text": "x" * 1500})
    task = Task(
        id=f"task_{number}", seq=number, api="task_queue", queue="workers", command=command,
        actor="ann", submitted_at_ms=1, rank=1.0,
    )
    copies._write([task], 2 * number - 1)
    ended = Task(
        id=f"task_{number}", seq=number, api="task_queue", queue="workers", command=command,
        actor="ann", submitted_at_ms=1, rank=1.0, state=TaskState.COMPLETED, ended_at_ms=2,
        result={"data": {"text": "y" * 1500}},
    )
    copies._write([ended], 2 * number)
"""


@pytest.mark.slow
def test_copies__are_whole_or_not_there_and_what_was_followed_is_written_out(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "task_queue"
    folder.mkdir()
    environment = {
        **os.environ,
        "LD_PRELOAD": str(power.library()),
        "TRACE": str(tmp_path / "trace"),
        "TRACE_DIR": str(folder),
    }
    program = [sys.executable, "-c", _WRITES, str(folder)]
    subprocess.run(program, check=True, env=environment, timeout=60)
    trace = power.Trace.read(tmp_path / "trace", folder)
    assert trace.records, "or nothing was traced"
    random = Random(7)
    tried = 0
    for cut in range(len(trace.records) + 1):
        for keeps in power.subsets(trace.unsynced(cut), random, 3):
            image = tmp_path / f"image{tried}"
            image.mkdir()
            trace.image(cut, image, keeps)
            _judge(image)
            tried += 1
    assert tried > 100
    whole = tmp_path / "whole"
    trace.image(len(trace.records), whole, lambda *_: False)
    assert (whole / ".followed").read_text() == "6\n"


def _judge(image: Path) -> None:
    copies = [*image.glob("tasks/[!.]*.json"), *image.glob("results/[!.]*.json")]
    told = {f"{each.parent.name}/{each.stem}": json.loads(each.read_bytes()) for each in copies}
    followed = image / ".followed"
    events = int(followed.read_text()) if followed.exists() else 0
    for number in range(1, 4):
        if events >= 2 * number - 1:
            assert f"tasks/task_{number}" in told
        if events >= 2 * number:
            assert told[f"tasks/task_{number}"]["status"] == "completed"
            assert told[f"results/task_{number}"]["data"] == {"text": "y" * 1500}
