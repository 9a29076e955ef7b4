"""Ask a worker of the task queue whether it is there: by HTTP, or by files where no daemon
answers.

    python examples/task_queue/send_ping.py
    python examples/task_queue/send_ping.py --force file
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import requests
from shared_task_queue import TaskQueue  # type: ignore[import-not-found]

API = "http://localhost:8091/api"
LINE = "=" * 40


def answers(api: str) -> bool:
    """Whether a daemon is there."""
    try:
        return requests.get(f"{api}/health", timeout=1.5).ok
    except requests.RequestException:
        return False


def by_http(api: str, timeout: float) -> dict[str, Any] | None:
    """Raises requests.RequestException where the daemon does not take it."""
    body = {"type": "ping", "data": {}}
    answer = requests.post(f"{api}/tasks/create", json=body, timeout=10)
    answer.raise_for_status()
    task_id = answer.json()["task_id"]
    said(task_id, timeout)
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        answer = requests.get(f"{api}/results/{task_id}", timeout=10)
        if answer.status_code == 200:
            result: dict[str, Any] = answer.json()
            return result
        time.sleep(0.2)
    return None


def by_file(timeout: float) -> dict[str, Any] | None:
    queue = TaskQueue()
    task_id = queue.push_task("ping", {}, "send_ping.py")
    said(task_id, timeout)
    result: dict[str, Any] | None = queue.get_result(task_id, timeout)
    return result


def said(task_id: str, timeout: float) -> None:
    print(f"✅ 작업 전송 완료!\n🆔 Task ID: {task_id}\n")
    print(f"⏳ Comet 응답 대기 중 (최대 {timeout:g}초)...\n", flush=True)


def ping(force: str | None, api: str, timeout: float) -> int:
    way = force or ("http" if answers(api) else "file")
    print(f"📤 Ping 작업 전송 중... ({way})", flush=True)
    result: dict[str, Any] | None
    if way == "http":
        try:
            result = by_http(api, timeout)
        except requests.RequestException as error:
            if force == "http":
                print(f"❌ {error}", file=sys.stderr)
                return 1
            print(f"HTTP: {error}; the file queue is used", flush=True)
            result = by_file(timeout)
    else:
        result = by_file(timeout)
    if result is None:
        print(f"❌ no answer within {timeout:g} s: is a worker running?", file=sys.stderr)
        return 1
    print(f"{LINE}\n  ✅ 결과 수신 완료!\n{LINE}")
    print(f"🤖 Worker: {result['worker']}")
    print(f"📊 Status: {result['status']}")
    print(f"💬 Message: {result['data'].get('message', result.get('error_message'))}")
    print(f"⏰ Completed: {result['completed_at']}\n{LINE}")
    return 0 if result["status"] == "success" else 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Sends a ping to a worker.")
    parser.add_argument("--force", choices=("http", "file"))
    parser.add_argument("--api", default=API)
    parser.add_argument("--timeout", type=float, default=10)
    options = parser.parse_args()
    return ping(options.force, options.api.rstrip("/"), options.timeout)


if __name__ == "__main__":
    sys.exit(main())
