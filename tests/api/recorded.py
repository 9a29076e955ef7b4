"""Answers as they were recorded: what is there, what is null, what is left out.

What differs from run to run is replaced: ids by the order in which they came, times and durations
by their kind. `python -m tests.api.stories` writes what the interfaces answer now.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any, Protocol

import orjson

from robotq.catalog import Catalog, load_catalog

from .conftest import lab_config
from .lab import Lab, running_lab

FOLDER = Path(__file__).parent / "answers"

_HEX = "[0-9a-f]"
_UUID = rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_ID = re.compile(
    rf"(task|batch)_\d{{8}}_\d{{6}}_[0-9a-z]{{6}}|hold_[0-9a-z]{{8}}|repeat_[0-9a-f]{{12}}|{_UUID}"
)
_TIMES = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "<local time>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00"), "<utc, milliseconds>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"), "<utc, milliseconds, Z>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<utc, seconds, Z>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"), "<utc, seconds>"),
    (re.compile(r"^\d\d:\d\d$"), "<time of day>"),
    (re.compile(r"^[\w+-]+ \(UTC[+-]\d{4}\)$"), "<time zone>"),
    (re.compile(r"\bW\d+-[0-9a-z]{8}\b"), "<worker>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<address>"),
    (re.compile(r"\b\d{13}(?=\.)"), "<milliseconds>"),
    (re.compile(r"(?<=question=)\d+"), "<milliseconds>"),
    (re.compile(r"(?<=-)\d{13}\b"), "<milliseconds>"),
)
_PASSING = re.compile(
    r"at_ms|.*_ms|.*_s|At$|.*(At|Time|Since)|timestamp|latency|duration|avg_.*|version|cpu_usage|.*_usage|"
    r"uptime|response_time|last_event_id|newest|next_after|id|revision|queue_revision|up_to|"
    r"commits|largest_batch|rows|.*bytes|pending|events|listeners|submitted|sqlite.*|schema"
)
"""Keys whose numbers and words say nothing about what an answer is."""


class Recorded:
    """Asks a lab, and keeps every answer."""

    def __init__(self, lab: Lab, prefix: str = "") -> None:
        self.lab = lab
        self.answers: list[dict[str, Any]] = []
        self._prefix = prefix
        self._names: dict[str, str] = {}

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The body of the answer. `headers`: with `_` for `-`."""
        how: dict[str, Any] = {"headers": {key.replace("_", "-"): headers[key] for key in headers}}
        how["headers"].setdefault("Accept-Language", "en")
        if body is not None:
            how["data"] = orjson.dumps(body)
        async with self.lab.client.request(method, self._prefix + path, **how) as response:
            content = await response.read()
            answer = orjson.loads(content) if content else None
            told = {
                name: response.headers[name]
                for name in ("ETag", "Idempotency-Replayed", "Retry-After", "Allow")
                if name in response.headers
            }
        kept = {
            "asked": f"{method} {self._plain(path)}",
            **({} if body is None else {"with": self._normal(body)}),
            "status": response.status,
            **({"headers": {name: re.sub(r"\d+", "<number>", told[name]) for name in told}}
               if told else {}),
            "answer": self._normal(answer),
        }  # fmt: skip
        self.answers.append(kept)
        return answer

    def _normal(self, value: Any, key: str = "") -> Any:
        if isinstance(value, Mapping):
            if key == "schema":
                return "<schema>"
            if {"unit", "normal", "state"} <= value.keys():
                # what a robot measures: what it is at this moment, and how often it was heard
                measured = {"value", "trend", "points", "normal"} & value.keys()
                value = {**value, **dict.fromkeys(measured, "<measured>")}
            return {self._plain(name): self._normal(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [self._normal(one, key) for one in value]
        passing = _PASSING.fullmatch(key) is not None
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int | float) and passing:
            # 0 and whole seconds are written as they come
            return "<number>"
        if isinstance(value, str):
            plain = self._plain(value)
            if key in ("version", "data", "memory_usage", "uptime", "tasks_dir", "results_dir"):
                return "<text>"
            return plain
        return value

    def _plain(self, text: str) -> str:
        def named(found: re.Match[str]) -> str:
            kind = found[1] or ("hold" if found[0].startswith("hold_") else "uuid")
            return self._names.setdefault(found[0], f"<{kind} {len(self._names) + 1}>")

        for pattern, word in _TIMES:
            text = pattern.sub(word, text)
        return _ID.sub(named, text)


_CONFIG: Mapping[str, Mapping[str, Any]] = {
    "robots": {"robots__robot_a__maintenance": {"gripper": {"counts": "commands", "every": 1e6}}},
    "endings": {
        "webhooks__url": "http://127.0.0.1:9/nobody",
        "webhooks__retry_s": 0.001,
        "robots__robot_a__options": {
            "lab": None,
            "faults": [{"command": "NAVIGATION", "nth": 1, "kind": "raise"}],
        },
    },
}
"""Of labs in which something goes wrong."""


class Story(Protocol):
    """What is asked, one after the other."""

    __name__: str

    def __call__(self, ask: Recorded, /) -> Awaitable[None]: ...


async def answers_of(
    story: Story, prefix: str, folder: Path, catalog: Catalog
) -> list[dict[str, Any]]:
    """What a new lab answers to a story."""
    config = await asyncio.to_thread(lab_config, folder, **_CONFIG.get(story.__name__, {}))
    async with running_lab(config, catalog) as lab:
        recorded = Recorded(lab, prefix)
        await story(recorded)
    return recorded.answers


def written(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def with_approval(folder: Path) -> Catalog:
    """The packaged commands, one of which a person has to approve where an agent submits it."""
    file = folder / "own.yaml"
    file.write_text("commands:\n  NAVIGATION: {approval: true}\n", encoding="utf-8")
    return load_catalog([file])
