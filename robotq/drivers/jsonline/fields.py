"""The fields of a message, each of the kind that it has to be, or BadLine is raised."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from robotq.drivers.jsonline.wire import BadLine
from robotq.model.json import JsonObject

_TEXT = 2_000
"""Characters of a text that are kept."""


def text_of(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value:
        raise BadLine(f"{key} is no text")
    return value[:_TEXT]


def maybe_text_of(values: Mapping[str, Any], key: str) -> str | None:
    return None if values.get(key) in (None, "") else text_of(values, key)


def flag_of(values: Mapping[str, Any], key: str, *, default: bool = False) -> bool:
    value = values.get(key, default)
    if not isinstance(value, bool):
        raise BadLine(f"{key} is neither true nor false")
    return value


def whole_of(values: Mapping[str, Any], key: str, default: int) -> int:
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadLine(f"{key} is no whole number")
    return value


def number_of(values: Mapping[str, Any], key: str, default: float) -> float:
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadLine(f"{key} is no number")
    return float(value)


def object_of(values: Mapping[str, Any], key: str) -> JsonObject:
    value = values.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadLine(f"{key} is no object")
    return value
