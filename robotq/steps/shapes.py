"""What can be known of a value before there is one: a JSON Schema, read as far as steps need it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from robotq.model.json import JsonObject

_WORD = re.compile(r"(?=.{1,64}$)[A-Za-z0-9_.-]+(?: [A-Za-z0-9_.-]+)*")
"""A text that may stand in a line of G-code: words and numbers, with blanks between them."""


class Kind(StrEnum):
    """What a value is good for."""

    NUMBER = "number"
    WORD = "word"
    """A number, or one of a few texts that the operator has written down."""
    OTHER = "other"
    """Some other value: a text of a client, a list, true or false."""
    OPEN = "open"
    """Not known before it is there."""


def is_word(value: object) -> bool:
    """Whether a text may stand in a line of G-code, where the operator chose it."""
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a value. Without a schema: nothing."""

    schema: JsonObject | None = None
    nullable: bool = False
    """It can be missing."""

    @property
    def kind(self) -> Kind:
        return Kind.OPEN if self.schema is None else _kind(self.schema)

    def names(self) -> tuple[str, ...] | None:
        """The members that a mapping is known to have; None where any may be there."""
        properties = (self.schema or {}).get("properties")
        return tuple(properties) if isinstance(properties, Mapping) else None

    def member(self, name: str) -> Shape | None:
        """The member `name`; None where there cannot be one."""
        schema = self.schema
        if schema is None:
            return Shape(nullable=True)
        rule = (schema.get("properties") or {}).get(name)
        if isinstance(rule, Mapping):
            sure = name in schema.get("required", ()) or "default" in rule
            return Shape(schema=rule, nullable=self.nullable or not sure)
        may = _types(schema) & {"object", "any"} and self.names() is None
        return Shape(nullable=True) if may else None

    def item(self) -> Shape:
        """Any one entry of a list or a mapping."""
        schema = self.schema or {}
        items = schema.get("items")
        if isinstance(items, Mapping):
            return Shape(schema=items, nullable=True)
        properties = schema.get("properties")
        if isinstance(properties, Mapping) and schema.get("additionalProperties") is False:
            return Shape(schema=_merged(properties.values()), nullable=True)
        return Shape(nullable=True)

    def sure(self) -> Shape:
        """The same where it is there."""
        return Shape(schema=self.schema)

    def or_else(self, other: Shape) -> Shape:
        """This one, or `other` where it is missing."""
        if self.schema is None or other.schema is None:
            return Shape(nullable=other.nullable)
        return Shape(schema=_merged((self.schema, other.schema)), nullable=other.nullable)


NUMBER = Shape(schema={"type": "number"})
TRUTH = Shape(schema={"type": "boolean"})


def shape_of(value: Any) -> Shape:
    """The shape of a value that is known already."""
    return Shape(schema=_schema_of(value), nullable=value is None)


def _schema_of(value: Any) -> JsonObject:
    if isinstance(value, Mapping):
        return {
            "type": "object",
            "properties": {name: _schema_of(member) for name, member in value.items()},
            "required": list(value),
            "additionalProperties": False,
        }
    if isinstance(value, list | tuple):
        return {"type": "array", "items": _merged([_schema_of(item) for item in value])}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int | float):
        return {"type": "number"}
    return {"enum": [value]}


def _merged(schemas: Iterable[JsonObject]) -> JsonObject:
    """What holds for a value of any of `schemas`."""
    each = list(schemas)
    if not each or not all(isinstance(schema, Mapping) for schema in each):
        return {}
    if all(schema == each[0] for schema in each):
        return each[0]
    kinds = {_kind(schema) for schema in each}
    if kinds == {Kind.NUMBER}:
        return {"type": "number"}
    if all(isinstance(schema.get("enum"), list) for schema in each):
        return {"enum": [value for schema in each for value in schema["enum"]]}
    if all(_types(schema) == {"object"} for schema in each):
        return _merged_objects(each)
    if all(_types(schema) == {"array"} for schema in each):
        return {"type": "array", "items": _merged(schema.get("items", {}) for schema in each)}
    return {}


def _merged_objects(each: list[JsonObject]) -> JsonObject:
    names = dict.fromkeys(name for schema in each for name in schema.get("properties", {}))
    having = {
        name: [schema["properties"][name] for schema in each if name in schema["properties"]]
        for name in names
        if all("properties" in schema for schema in each)
    }
    return {
        "type": "object",
        "properties": {name: _merged(rules) for name, rules in having.items()},
        "required": [
            name for name in having if all(name in schema.get("required", ()) for schema in each)
        ],
    }


def _kind(schema: JsonObject) -> Kind:
    options = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(options, list):
        return _kind_of_options(options)
    types = _types(schema)
    if types <= {"number", "integer"}:
        return Kind.NUMBER
    return Kind.OTHER


def _kind_of_options(options: list[Any]) -> Kind:
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in options):
        return Kind.NUMBER
    if all(is_word(value) or isinstance(value, int | float) for value in options):
        return Kind.WORD
    return Kind.OTHER


def _types(schema: JsonObject) -> set[str]:
    found = schema.get("type", "any")
    return {found} if isinstance(found, str) else set(found)
