"""The task queue's folder, for programs on the daemon's machine that speak no HTTP.

A task goes in as a file in `inbox/`; written-out copies of tasks and results are in `tasks/` and
`results/`. The daemon's database is the truth: to take tasks, speak HTTP.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("ROBOTQ_DATA", "robotq-data")) / "task_queue"


class TaskQueue:
    """Hand tasks in and read their results by files."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.inbox = folder / "inbox"
        self.tasks = folder / "tasks"
        self.results = folder / "results"

    def push_task(self, type: str, data: dict[str, Any], requester: str = "copilot") -> str:  # noqa: A002
        """Returns the id of the task."""
        task_id = str(uuid.uuid4())
        task = {
            "id": task_id,
            "type": type,
            "data": data,
            "requester": requester,
            "created_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "status": "pending",
        }
        self.inbox.mkdir(parents=True, exist_ok=True)
        # nobody sees it before it is whole
        half = self.inbox / f".{task_id}.tmp"
        half.write_text(json.dumps(task, ensure_ascii=False, indent=2), encoding="utf-8")
        half.replace(self.inbox / f"{task_id}.json")
        return task_id

    def get_result(self, task_id: str, timeout: float = 60) -> dict[str, Any] | None:
        """The result, as soon as it is there; None after so many seconds."""
        until = time.monotonic() + timeout
        while True:
            result = _read(self.results / f"{task_id}.json")
            if result is not None or time.monotonic() >= until:
                return result
            time.sleep(0.5)

    def list_pending_tasks(self, type: str | None = None) -> list[dict[str, Any]]:  # noqa: A002
        """Oldest first."""
        found = [task for path in self.tasks.glob("*.json") if (task := _read(path)) is not None]
        pending = [task for task in found if task.get("status") == "pending"]
        wanted = [task for task in pending if type in (None, task.get("type"))]
        return sorted(wanted, key=lambda task: str(task.get("created_at")))


def _read(path: Path) -> dict[str, Any] | None:
    """None for a file that is not there, or not whole yet."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None
