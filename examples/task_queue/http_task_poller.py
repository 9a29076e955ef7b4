"""A worker that polls: takes tasks of the task queue interface and does the documented kinds.

    python examples/task_queue/http_task_poller.py --interval 1.0

It ends with exit code 1 where no daemon answers. `robotq worker` and `robotq.client.worker` do
more: they reconnect, keep results, and hear of a cancel.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import reduce
from operator import mul
from typing import Any

import requests

API = "http://localhost:8091/api"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def ping(_data: dict[str, Any], worker: str) -> dict[str, Any]:
    return {
        "message": "pong",
        "worker": worker,
        "timestamp": now(),
        "implementation": "http_task_poller.py",
    }


def calculation(data: dict[str, Any], _worker: str = "") -> dict[str, Any]:
    """`{"numbers": [...]}` adds them up; `operation` can say otherwise."""
    return {"result": calculated(data.get("operation", "add"), data["numbers"])}


def calculated(operation: str, numbers: list[float]) -> float:
    match operation:
        case "add":
            return sum(numbers)
        case "multiply":
            return reduce(mul, numbers, 1)
        case "divide":
            first, second = numbers
            return first / second
        case "average":
            return sum(numbers) / len(numbers)
        case _:
            raise ValueError(f"Unknown operation: {operation}")


def data_transform(data: dict[str, Any], _worker: str = "") -> dict[str, Any]:
    """`{"text", "operation"}`, or `{"input", "format"}`, where `json` reads the input."""
    text = data.get("text", data.get("input", ""))
    operation = data.get("operation", data.get("format", "uppercase"))
    match operation:
        case "uppercase":
            return {"result": text.upper()}
        case "lowercase":
            return {"result": text.lower()}
        case "reverse":
            return {"result": text[::-1]}
        case "json":
            return {"result": {"input": text}}
        case _:
            raise ValueError(f"Unknown operation: {operation}")


def batch_calculation(data: dict[str, Any], _worker: str = "") -> dict[str, Any]:
    """`{"calculations": [...]}`, or `operations` for the same; `multiply_by` is another factor."""
    results = []
    for number, item in enumerate(data.get("calculations", data.get("operations", []))):
        value = calculated(item.get("operation", "add"), item["numbers"])
        value *= item.get("multiply_by", 1)
        results.append({"id": item.get("id", number), "result": value})
    return {"calculations": results}


HANDLERS: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "ping": ping,
    "calculation": calculation,
    "data_transform": data_transform,
    "batch_calculation": batch_calculation,
}


def done(task: dict[str, Any], worker: str) -> dict[str, Any]:
    """The body of the answer to a task."""
    handler = HANDLERS.get(task["type"])
    if handler is None:
        return failure(worker, f"Unknown task type: {task['type']}")
    try:
        return {"worker": worker, "status": "success", "data": handler(task["data"], worker)}
    except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError) as error:
        return failure(worker, f"{type(error).__name__}: {error}")


def failure(worker: str, message: str) -> dict[str, Any]:
    return {"worker": worker, "status": "error", "data": {}, "error_message": message}


def poll(api: str, worker: str) -> bool:
    """Take and do one task; False where none waits."""
    answer = requests.post(f"{api}/tasks/next", json={"worker": worker}, timeout=30)
    if answer.status_code == 404:
        return False
    answer.raise_for_status()
    task = answer.json()["task"]
    if task is None:
        return False
    print(f"📥 {task['type']} {task['id']}")
    body = done(task, worker)
    if task.get("lease"):
        # so that an answer that comes too late is refused
        body["lease_token"] = task["lease"]["token"]
    answer = requests.post(f"{api}/tasks/{task['id']}/result", json=body, timeout=30)
    told = body["status"] if answer.ok else answer.json()["error"]
    print(f"📤 {task['id']}: {told}")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description="Polls for tasks and does them.")
    parser.add_argument("--api-url", default=API)
    parser.add_argument("--worker-id", default="http-poller-test")
    parser.add_argument("--interval", type=float, default=2.0, help="seconds, when none waits")
    parser.add_argument("--once", action="store_true", help="one look, then end")
    options = parser.parse_args()
    print(f"🔄 polling {options.api_url} as {options.worker_id} every {options.interval} s")
    try:
        while True:
            worked = poll(options.api_url, options.worker_id)
            if options.once:
                return 0
            if not worked:
                time.sleep(options.interval)
    except requests.ConnectionError:
        print(f"❌ no daemon answers at {options.api_url}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
