"""A worker of the dispatcher interface, with websocket-client.

    pip install websocket-client
    python examples/worker-python.py ws://localhost:3000/ws?group=default

It connects again by itself, until Ctrl-C. `robotq worker --url ws://...` does more: it keeps
results until the daemon has taken them, and ends what is called off.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import websocket

URL = "ws://localhost:3000/ws?group=default"


def process_task(payload: dict[str, Any]) -> Any:
    """Whatever is to be done; what it returns is the task's result."""
    return {"success": True, "data": payload.get("data", {})}


def on_open(_ws: websocket.WebSocketApp) -> None:
    print("connected", flush=True)


def on_message(ws: websocket.WebSocketApp, text: str) -> None:
    message = json.loads(text)
    if message["type"] == "connected":
        print("worker:", message["workerId"], flush=True)
        ws.send(json.dumps({"type": "ready"}))
    elif message["type"] == "task":
        print("task:", message["taskId"], flush=True)
        ws.send(json.dumps(answer(message)))


def answer(task: dict[str, Any]) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        said: dict[str, Any] = {"type": "task_complete", "result": process_task(task["payload"])}
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is the submitter's to know
        said = {"type": "task_error", "error": str(error) or type(error).__name__}
    took_ms = round((time.perf_counter() - began) * 1000)
    return {**said, "taskId": task["taskId"], "duration": took_ms}


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else URL
    ws = websocket.WebSocketApp(url, on_open=on_open, on_message=on_message)
    # seconds until it tries again; Ctrl-C ends it
    ws.run_forever(reconnect=1)


if __name__ == "__main__":
    main()
