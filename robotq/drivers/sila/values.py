"""Values between JSON and the types of SiLA 2."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from robotq.drivers.base import DriverError
from robotq.model.json import JsonObject


def as_message(mappable: Any, values: Mapping[str, Any], name: str) -> Any:
    """The message with these values. Raises DriverError bad_parameter; nothing was sent."""
    wanted = {_identifier(each): each.data_type for each in mappable.fields}
    wrong = [f"{each} is missing" for each in wanted if each not in values]
    wrong += [f"the server knows no {each}" for each in values if each not in wanted]
    if wrong:
        raise _bad(f"{name}: {'; '.join(wrong)}")
    given = {each: _given(values[each], kind) for each, kind in wanted.items()}
    try:
        return mappable.to_message(**given)
    except Exception as error:
        # whatever the library finds wrong in a value: constraints, types, sizes
        raise _bad(f"{name}: {error}") from error


def as_json(mappable: Any, message: Any) -> JsonObject:
    """The fields of a message. Raises ValueError for what cannot be read."""
    try:
        native = mappable.to_native_type(message)
    except Exception as error:
        # the library raises what it finds wrong as it comes
        raise ValueError(f"what the server has answered cannot be read: {error}") from error
    told = plain(native)
    return told if isinstance(told, dict) else {}


def plain(value: Any) -> Any:
    """JSON of what the library makes of a message."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return str(value)


def _given(value: Any, kind: Any) -> Any:
    """A whole number that an expression or a default has made a float is one again."""
    while (
        inner := getattr(kind, "base_type", None) or getattr(kind, "data_type", None)
    ) is not None:
        kind = inner
    if isinstance(value, float) and value.is_integer() and type(kind).__name__ == "Integer":
        return int(value)
    if isinstance(value, list) and hasattr(kind, "element_type"):
        return [_given(each, kind.element_type) for each in value]
    if isinstance(value, Mapping) and hasattr(kind, "fields"):
        kinds = {each._identifier: each.data_type for each in kind.fields}  # noqa: SLF001 - no other name
        return {
            name: _given(each, kinds[name]) if name in kinds else each
            for name, each in value.items()
        }
    return value


def _identifier(field: Any) -> str:
    return str(field.fully_qualified_identifier).rpartition("/")[2]


def _bad(text: str) -> DriverError:
    return DriverError(text[:500], code="bad_parameter", field="params")
