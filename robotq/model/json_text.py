"""JSON from elsewhere: strict, and no deeper than can be written out again."""

from __future__ import annotations

from typing import Any

import orjson

from robotq.model.errors import RobotqError

MAX_DEPTH = 100
"""Objects and lists inside each other. What is taken in can then be written out everywhere:
JSON encoders stop at 254, and what is stored has a few levels around it."""

_BOM = b"\xef\xbb\xbf"


def parse_json(raw: bytes) -> Any:
    """The value in `raw`; nothing but white space is `{}`. Raises RobotqError bad_json."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        # some editors on Windows begin every file with this mark
        text = raw.removeprefix(_BOM).strip()
        if not text:
            return {}
        if len(text) < len(raw) and raw.startswith(_BOM):
            return parse_json(text)
        raise RobotqError("bad_json", reason=str(error)) from error
    # brackets inside of texts count here too, so only a suspicion is looked at closely
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise RobotqError("bad_json", reason=f"nested deeper than {MAX_DEPTH} levels")
    return value


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        below: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                below.extend(part.values())
            elif isinstance(part, list):
                below.extend(part)
        if not below:
            return False
        level = below
    return any(isinstance(part, dict | list) for part in level)
