"""Does a worker of the task queue answer? Looks at the folders, at what waits, at what has ended,
and sends a ping.

    python examples/task_queue/check_comet_status.py
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import requests

API = "http://localhost:8091/api"
NAME = "check_comet_status.py"


def get(url: str) -> Any:
    answer = requests.get(url, timeout=10)
    answer.raise_for_status()
    return answer.json()


def pong(api: str, timeout: float) -> dict[str, Any] | None:
    body = {"task_type": "ping", "requester": NAME}
    answer = requests.post(f"{api}/tasks", json=body, timeout=10)
    answer.raise_for_status()
    task_id = answer.json()["task_id"]
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        answer = requests.get(f"{api}/tasks/{task_id}/result", timeout=10)
        if answer.status_code == 200:
            result: dict[str, Any] = answer.json()
            return result
        time.sleep(0.2)
    return None


def check(api: str, timeout: float) -> int:
    stats = get(f"{api}/stats")
    print("1. folders")
    for key in ("tasks_dir", "results_dir"):
        folder = Path(stats[key])
        print(f"   {'✅' if folder.is_dir() else '-'} {folder}")
    found = get(f"{api}/tasks?limit=1000")["tasks"]
    # pings that nobody has answered are no backlog
    pending = [task for task in found if task["requester"] != NAME]
    print(f"2. waiting: {len(pending)}")
    for task in pending[:5]:
        print(f"   {task['created_at']} {task['type']} {task['id']}")
    print(f"3. with a result: {stats['completed_tasks']}")
    print(f"4. ping, at most {timeout:g} s", flush=True)
    result = pong(api, timeout)
    if result is not None:
        print(f"✅ alive: {result['worker']} answers {result['data'].get('message')!r}")
        return 0
    if pending:
        print("⚠️ backlog: tasks wait, and nobody answers a ping")
    elif stats["completed_tasks"] > 0:
        print("⚠️ was alive: there are results, but nobody answers now")
    else:
        print("❌ not working: nobody has ever answered")
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Tells whether a worker answers.")
    parser.add_argument("--api", default=API)
    parser.add_argument("--timeout", type=float, default=10)
    options = parser.parse_args()
    try:
        return check(options.api.rstrip("/"), options.timeout)
    except requests.RequestException as error:
        print(f"❌ no daemon answers at {options.api}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
