"""What a task takes in memory."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from robotq.model.json.known import KNOWN
from robotq.model.task import Command, Task

_TASK = 2_000
_PART = 64
"""Bytes of each part of an object or a list: small ones take up to thirty times their JSON."""

_SIGNS = b",:{["
"""What each part of an object or a list has in its JSON."""


def parts_of(json: bytes) -> int:
    """The parts of the objects and lists in `json`, roughly and rather too many."""
    return len(json) - len(json.translate(None, _SIGNS))


def weight_of(command: Command) -> int:
    """Bytes, roughly and rather too many; costs little."""
    params, extra = command.params, command.extra
    return _TASK + _weight((params, extra) if extra else params)


def weight_of_ended(task: Task, command: int | None = None) -> int:
    """The same with what became of it; `command` where `weight_of` has said it already."""
    weight = weight_of(task.command) if command is None else command
    return weight + _weight_of_result(task.result)


def _weight_of_result(result: Mapping[str, object] | None) -> int:
    """What is large is not encoded for this: that would stop the event loop."""
    weight, rest = 0, {}
    for key, value in (result or {}).items():
        if isinstance(value, KNOWN):
            # the JSON is kept beside the value
            weight += 2 * len(value.json) + _PART * value.parts
        else:
            rest[key] = value
    return weight + _weight(rest)


def _weight(value: object) -> int:
    if not value:
        return _PART
    try:
        encoded = orjson.dumps(value)
    except TypeError:
        # what a driver has handed over can be anything
        encoded = repr(value).encode("utf-8", "replace")
    # as `parts_of`, without a call for each submit
    length = len(encoded)
    return length + _PART * (length - len(encoded.translate(None, _SIGNS)))
