"""What a task takes in memory."""

from __future__ import annotations

import orjson

from robotq.model.task import Command, Task

_TASK = 2_000
_PART = 64
"""Bytes of each part of an object or a list: small ones take up to thirty times their JSON."""
_PARTS = (b",", b":", b"{", b"[")


def weight_of(command: Command) -> int:
    """Bytes, roughly and rather too many; costs little."""
    return _TASK + _weight(command.params) + (_weight(command.extra) if command.extra else 0)


def weight_of_ended(task: Task, command: int | None = None) -> int:
    """The same with what became of it; `command` where `weight_of` has said it already."""
    return (weight_of(task.command) if command is None else command) + _weight(task.result)


def _weight(value: object) -> int:
    if not value:
        return _PART
    try:
        encoded = orjson.dumps(value)
    except TypeError:
        # what a driver has handed over can be anything
        encoded = repr(value).encode("utf-8", "replace")
    return len(encoded) + _PART * sum(map(encoded.count, _PARTS))
