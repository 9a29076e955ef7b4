"""What a driver hands over, made fit for the disk and for everybody who reads it."""

from __future__ import annotations

from reprlib import Repr
from typing import Any, TypeAlias

import orjson

from robotq.model.json.known import knowing, parts_of

_LONGEST = 500
"""Characters that are kept of a value which is not JSON."""
_SLICE = 2_000
"""Values that are copied in one go."""
_LONG = 500_000
"""Characters of a text that are encoded in one go."""
_DEEP = 6
"""Levels that are looked into for large lists."""

# goes only a few levels deep, and knows what to do where an object has no text
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = _LONGEST


def plain(given: Any) -> dict[str, Any]:
    """A copy that holds nothing but JSON; everything else in it becomes its text.

    Reporting never breaks a motion, so nothing is refused: what is no mapping at all is under
    `value`. The copy is the caller's own, since drivers go on changing what they reported.
    """
    if given is None:
        return {}
    try:
        copied = _copied(given)
    except (TypeError, ValueError, RecursionError):
        # numbers beyond 64 bits, broken characters, nesting without end
        if not isinstance(given, dict):
            return {"value": _text(given)}
        return {_text(key): _text(value) for key, value in given.items()}
    return copied if isinstance(copied, dict) else {"value": copied}


def plain_text(value: object) -> str:
    """A text that fits the disk, as `plain` makes one; what is no text becomes one."""
    if type(value) is str and value.isascii() and len(value) <= _LONGEST:
        return value
    return _text(value)


def plain_in_slices(given: Any) -> dict[str, Any]:
    """The same as `plain`, for the thread of a driver: a large value is copied in slices, since
    the encoder lets no other thread run while it works, the event loop neither. What is large in
    it knows its JSON from then on."""
    if type(given) is list:
        given = {"value": given}
    if type(given) is not dict:
        return plain(given)
    try:
        if not all(type(key) is str for key in given):
            return plain(given)
        copied = {}
        for key, inner in given.items():
            value, encoded, parts = _sliced(inner, _DEEP)
            copied[_copied(key)] = knowing(value, encoded, parts)
    except (TypeError, ValueError, RecursionError):
        return plain(given)
    return copied


_Made: TypeAlias = tuple[Any, bytes, int]
"""A copy, its JSON, and how many parts its objects and lists have."""


def _sliced(value: Any, depth: int) -> _Made:
    if type(value) is str and len(value) > _LONG:
        return _long_text(value)
    if depth and type(value) in (dict, list) and _nodes(value, _SLICE) >= _SLICE:
        if type(value) is list:
            return _list(value, depth)
        if all(type(key) is str for key in value):
            return _object(value, depth)
    return _both(value)


def _long_text(value: str) -> _Made:
    encoded = [_encoded(value[at : at + _LONG])[1:-1] for at in range(0, len(value), _LONG)]
    return value, b'"' + b"".join(encoded) + b'"', 0


def _object(value: dict[str, Any], depth: int) -> _Made:
    copied, encoded, parts = {}, [], 1
    for key, inner in value.items():
        name = orjson.dumps(key)
        copied[orjson.loads(name)], json, more = _sliced(inner, depth - 1)
        encoded.append(name + b":" + json)
        parts += more + 2
    return copied, b"{" + b",".join(encoded) + b"}", parts


def _list(value: list[Any], depth: int) -> _Made:
    copied, encoded, parts = [], [], 1

    def add(made: _Made) -> None:
        nonlocal parts
        copied.extend(made[0])
        encoded.append(made[1][1:-1])
        parts += made[2] + 1

    begin = size = 0
    for number, inner in enumerate(value):
        nodes = _nodes(inner, _SLICE)
        size += nodes
        if size < _SLICE:
            continue
        if begin < number:
            add(_both(value[begin:number]))
        begin, size = number, nodes
        if nodes >= _SLICE:
            one, json, more = _sliced(inner, depth - 1)
            add(([one], b"[" + json + b"]", more))
            begin, size = number + 1, 0
    if begin < len(value):
        add(_both(value[begin:]))
    return copied, b"[" + b",".join(encoded) + b"]", parts


def _nodes(value: Any, limit: int) -> int:
    """How many values it has, not much more than `limit` being counted."""
    if type(value) is not dict and type(value) is not list:
        return 1
    nodes = len(value) + 1
    if nodes >= limit:
        return nodes
    for inner in value.values() if type(value) is dict else value:
        if type(inner) is dict or type(inner) is list:
            nodes += _nodes(inner, limit - nodes)
            if nodes >= limit:
                break
    return nodes


def _both(value: Any) -> _Made:
    encoded = _encoded(value)
    return orjson.loads(encoded), encoded, parts_of(encoded)


def _copied(value: Any) -> Any:
    return orjson.loads(_encoded(value))


def _encoded(value: Any) -> bytes:
    return orjson.dumps(value, default=_text, option=orjson.OPT_NON_STR_KEYS)


def _text(value: object) -> str:
    text = value if isinstance(value, str) else _SHORT.repr(value)
    return text[:_LONGEST].encode(errors="replace").decode()
