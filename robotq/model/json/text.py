"""JSON from elsewhere: strict, and no deeper than can be written out again."""

from __future__ import annotations

import json
from typing import Any

import orjson

from robotq.model.carried.encodings import not_utf8
from robotq.model.errors import RobotqError

MAX_DEPTH = 100
"""Objects and lists inside each other. What is taken in can then be written out everywhere:
JSON encoders stop at 254, and what is stored has a few levels around it."""

_LARGE = 65_536
"""Bytes of a body from which on it is not written out to be looked at."""

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
        raise RobotqError("bad_json", reason=_reason(raw, text, error)) from error
    # brackets inside of texts count here too, so only a suspicion is looked at closely
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise RobotqError("bad_json", reason=f"nested deeper than {MAX_DEPTH} levels")
    return value


def parse_unique(raw: bytes) -> Any:
    """The same, where no key may stand twice in an object: which of its values was meant,
    nobody can know. Raises RobotqError bad_json, bad_parameter that names the key."""
    value = parse_json(raw)
    if isinstance(value, dict | list) and not _has_all(value, raw):
        try:
            json.loads(raw.removeprefix(_BOM), object_pairs_hook=_unique)
        except _Twice as twice:
            reason = "it stands twice in the same object"
            raise RobotqError("bad_parameter", field=str(twice)[:200], reason=reason) from None
    return value


def _has_all(value: Any, raw: bytes) -> bool:
    """Whether nothing that stands in `raw` was dropped: with a key that stands twice, its colon
    is. False where a text of it may hide one."""
    if b"\\u003" in raw:
        return False
    colons = _colons(value) if len(raw) > _LARGE else orjson.dumps(value).count(b":")
    return raw.count(b":") == colons


def _colons(value: Any) -> int:
    """How many colons `value` has as JSON. To write it would be faster where it is small; of 10 MB
    that takes 35 ms, in which no other thread gets its turn."""
    if isinstance(value, str):
        return value.count(":")
    if isinstance(value, dict):
        return len(value) + sum(map(_colons, value)) + sum(map(_colons, value.values()))
    return sum(map(_colons, value)) if isinstance(value, list) else 0


class _Twice(Exception):
    """A key stands twice in an object."""


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Twice(key)
            seen.add(key)


def _reason(raw: bytes, text: bytes, error: orjson.JSONDecodeError) -> str:
    """What is wrong with it, and, where that is a usual mistake, which one."""
    told = not_utf8(raw)
    if told is not None:
        return told
    return f"{error}{_hint(text)}"


def _hint(text: bytes) -> str:
    if text.startswith(b"'"):
        return "; it begins with ', which the Windows command line does not take away: use \""
    if text.startswith(b"@"):
        return "; it begins with @: curl reads a file where `-d @file` is the whole argument"
    if text[-1:] in (b"\0", b"\x1a"):
        return "; a NUL or an end-of-file character stands behind it"
    for quote in ("\u201c", "\u201d"):
        if quote.encode() in text:
            return f'; it has the quotation mark {quote}, expected "'
    if b"=" in text and not text.startswith((b"{", b"[", b'"')):
        return "; it looks like the fields of a form, expected JSON"
    return ""


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
