"""What a driver hands over, made fit for the disk and for everybody who reads it."""

from __future__ import annotations

from reprlib import Repr
from typing import Any

import orjson

_LONGEST = 500
"""Characters that are kept of a value which is not JSON."""

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
        copied = orjson.loads(orjson.dumps(given, default=_text, option=orjson.OPT_NON_STR_KEYS))
    except (TypeError, ValueError, RecursionError):
        # numbers beyond 64 bits, broken characters, nesting without end
        if not isinstance(given, dict):
            return {"value": _text(given)}
        return {_text(key): _text(value) for key, value in given.items()}
    return copied if isinstance(copied, dict) else {"value": copied}


def _text(value: object) -> str:
    text = value if isinstance(value, str) else _SHORT.repr(value)
    return text[:_LONGEST].encode(errors="replace").decode()
