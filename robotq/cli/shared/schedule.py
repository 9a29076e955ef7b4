"""Puts what the options of `robotq submit` say into the commands of a file."""

from __future__ import annotations

from typing import Any

import orjson

from robotq.cli.shared.failure import ExitCode, Failure
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.json.text import parse_unique


def number_or_word(text: str) -> int | str:
    """A whole number where `text` is one; what it means is for the daemon to judge."""
    try:
        return int(text)
    except ValueError:
        return text


def schedule_of(
    *,
    priority: str | None,
    not_before: str | None,
    expires_at: str | None,
    repeat: int | None,
    every_s: float | None,
) -> JsonObject:
    """The keys of a command for those options that were given."""
    keys: dict[str, Any] = {}
    if priority is not None:
        keys["priority"] = number_or_word(priority)
    if not_before is not None:
        keys["not_before"] = not_before
    if expires_at is not None:
        keys["expires_at"] = expires_at
    often = {"count": repeat, "interval_s": every_s}
    if given := {key: value for key, value in often.items() if value is not None}:
        keys["repeat"] = given
    return keys


def with_keys(body: bytes, keys: JsonObject) -> bytes:
    """A command file, each of its commands with these keys. Raises Failure where it is none."""
    if not keys:
        return body
    try:
        content = parse_unique(body)
    except RobotqError as error:
        raise Failure(f"the command file is not right: {error}", ExitCode.USAGE) from error
    commands = content if isinstance(content, list) else [content]
    if not all(isinstance(command, dict) for command in commands):
        raise Failure("a command file holds an object or a list of objects", ExitCode.USAGE)
    changed = [{**command, **keys} for command in commands]
    return orjson.dumps(changed if isinstance(content, list) else changed[0])
