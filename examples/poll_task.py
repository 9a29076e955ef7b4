"""Submit a command file and wait for its result, with nothing but `requests`.

    python examples/poll_task.py commands/SCAN_QR_CODE_command.json
    python examples/poll_task.py FILE --url http://192.168.1.20:8090 --key KEY

Safe to run again after a lost connection: the Idempotency-Key makes the daemon answer the
same submit with the same task.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import requests


def submit(session: requests.Session, url: str, command: Any) -> str:
    """Hand over one command; returns the task's id. Tries again while nobody answers."""
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    for pause_s in (1, 2, 4, 8):
        try:
            answer = session.post(url, json=command, headers=headers, timeout=10).json()
        except requests.ConnectionError:
            time.sleep(pause_s)
            continue
        if not answer["success"]:
            sys.exit(f"refused: {answer['message']}")
        return str(answer["task_id"])
    sys.exit(f"no daemon answers at {url}")


def wait(session: requests.Session, url: str, task_id: str, timeout_s: float) -> dict[str, Any]:
    """The task once it has ended. Each request waits at the daemon, so this never spins."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            response = session.get(f"{url}/task/{task_id}", params={"wait": 20}, timeout=30)
        except requests.ConnectionError:
            # the task is on the daemon's disk; a restart of the daemon does not lose it
            time.sleep(2)
            continue
        task: dict[str, Any] = response.json()
        if task.get("status") in ("completed", "failed"):
            return task
        print(f"{task.get('status')}: {task.get('current_step') or 'waiting'}", file=sys.stderr)
    sys.exit(f"{task_id} has not ended after {timeout_s:g} s; it goes on without us")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="command file")
    parser.add_argument("--url", default="http://127.0.0.1:8090")
    parser.add_argument("--key", help="API key, where the daemon wants one")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds to wait")
    options = parser.parse_args()
    with requests.Session() as session:
        if options.key:
            session.headers["Authorization"] = f"Bearer {options.key}"
        command = json.loads(options.file.read_text(encoding="utf-8"))
        task_id = submit(session, options.url, command)
        print(f"submitted: {task_id}", file=sys.stderr)
        task = wait(session, options.url, task_id, options.timeout)
    print(json.dumps(task["result"], ensure_ascii=False, indent=2))
    return 0 if task["status"] == "completed" else 1


if __name__ == "__main__":
    sys.exit(main())
