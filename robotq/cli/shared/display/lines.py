"""Lines that a person can type, as the answers of the daemon suggest them."""

from __future__ import annotations

import shlex

import orjson

from robotq.cli.shared.options import URL
from robotq.cli.shared.words import say
from robotq.model.json import JsonObject, JsonValue


def submit_line(command: JsonObject) -> str:
    """`robotq submit` with this command."""
    words = ["robotq", "submit", command["cmd_type"]]
    words += [f"{name}={_typed(value)}" for name, value in command.get("params", {}).items()]
    robot = command.get("robot_id")
    return shlex.join([*words, *(("--robot", robot) if robot else ())])


def _typed(value: JsonValue) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def how_to_answer(task: JsonObject, url: str) -> str:
    """The line with which a person answers the question of a running task."""
    names = task["waiting_for"]["schema"].get("required", ())
    value = ", ".join(f'"{name}": …' for name in names) or "…"
    more = "" if url == URL else f" --url {url}"
    return say("answer", task_id=task["task_id"], value=f"{{{value}}}", more=more)
