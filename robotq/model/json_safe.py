"""What a driver hands over, made fit for the disk and for everybody who reads it."""

from __future__ import annotations

from reprlib import Repr
from typing import Any

import orjson

_LONGEST = 500
"""Characters that are kept of a value which is not JSON."""
_SLICE = 2_000
"""Items of a list that are copied in one go."""
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


def plain_in_slices(given: Any) -> dict[str, Any]:
    """The same as `plain`, for the thread of a driver: a large value is copied in slices, since
    the encoder lets no other thread run while it works, the event loop neither."""
    try:
        copied = _sliced(given, _DEEP)
    except (TypeError, ValueError, RecursionError):
        return plain(given)
    return copied if type(copied) is dict else plain(given)


def _sliced(value: Any, depth: int) -> Any:
    if depth and type(value) is dict and all(type(key) is str for key in value):
        return {_copied(key): _sliced(inner, depth - 1) for key, inner in value.items()}
    if depth and type(value) is list and any(isinstance(inner, dict | list) for inner in value):
        return [_sliced(inner, depth - 1) for inner in value]
    if type(value) is list and len(value) > _SLICE:
        parts = range(0, len(value), _SLICE)
        return [each for start in parts for each in _copied(value[start : start + _SLICE])]
    return _copied(value)


def _copied(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value, default=_text, option=orjson.OPT_NON_STR_KEYS))


def _text(value: object) -> str:
    text = value if isinstance(value, str) else _SHORT.repr(value)
    return text[:_LONGEST].encode(errors="replace").decode()
