"""Keys that are written for a driver, read as one shape; every fault in them is told with its
place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, Generic, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from robotq.config.keys import suggestion, without_password
from robotq.config.strict_yaml import KeyPath

_Made = TypeVar("_Made")

_EXPECTED = {
    "dataclass_type": "keys of its own",
    "dict_type": "a mapping of names",
    "string_type": "a text",
    "list_type": "a list",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
}
_SHOWN = 60


class Shaped(Generic[_Made]):
    """Reads one kind of keys, whose dataclass is `kind`; `below` says which dataclass has the
    keys at a place in it."""

    def __init__(self, kind: type[_Made], below: Callable[[KeyPath], Any]) -> None:
        self._kind = kind
        self._below = below
        self._adapter: TypeAdapter[_Made] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        return _names(self._kind)

    def read(self, value: Mapping[str, Any]) -> _Made | list[tuple[KeyPath, str]]:
        """What is written; or every fault, with its place, where something is not right."""
        if self._adapter is None:
            # made for the first who needs it: a start does without
            self._adapter = TypeAdapter(self._kind)
        # a key with nothing behind it is as if it did not stand there
        there = {key: inner for key, inner in value.items() if inner is not None}
        try:
            return self._adapter.validate_json(orjson.dumps(there), strict=True)
        except ValidationError as error:
            return list(self._faults(error))

    def _faults(self, error: ValidationError) -> Iterator[tuple[KeyPath, str]]:
        for detail in error.errors(include_url=False):
            # a union names the member that did not fit behind the key
            path = tuple(
                part
                for part in detail["loc"]
                if not (isinstance(part, str) and ("(" in part or part == "[key]"))
            )
            if path and path[-1] in ("str", "float", "int"):
                path = path[:-1]
            if detail["type"] == "unexpected_keyword_argument":
                known = _names(self._below(path[:-1]))
                yield path, f"unknown key{suggestion(str(path[-1]), known)}"
                continue
            expected = _EXPECTED.get(detail["type"], detail["msg"].removeprefix("Input should be "))
            text = without_password(repr(detail["input"]))
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
            yield path, f"found {shown}, expected {expected}"


def _names(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))
