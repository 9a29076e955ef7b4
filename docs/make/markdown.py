"""Markdown out of values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "pattern": "like `{}`",
}
"""Keyword of JSON Schema -> how a person says it."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; empty where there are no rows."""
    lines = ["| " + " | ".join(map(cell, row)) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *lines]) + "\n"


def cell(text: str) -> str:
    """A text that does not end its cell, and in which `<` begins no tag."""
    parts = " ".join(text.replace("|", "\\|").split()).split("`")
    # in between two backticks it stands for itself
    parts[::2] = [part.replace("<", "&lt;") for part in parts[::2]]
    return "`".join(parts)


def code(text: str) -> str:
    return f"`{text}`"


def value(found: Any) -> str:
    """A value as JSON."""
    return code(json.dumps(found, ensure_ascii=False, default=str))


def json_block(found: Any) -> str:
    return f"```json\n{json.dumps(found, ensure_ascii=False, indent=2)}\n```\n"


def type_of(schema: Mapping[str, Any], refs: Mapping[str, str]) -> str:
    """The type that a JSON Schema describes. `refs`: reference -> what stands for it."""
    if "$ref" in schema:
        return refs.get(schema["$ref"], code(schema["$ref"].rpartition("/")[2]))
    if "const" in schema:
        return value(schema["const"])
    if "enum" in schema:
        return ", ".join(map(value, schema["enum"]))
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return " or ".join(dict.fromkeys(type_of(part, refs) for part in schema[keyword]))
    found = schema.get("type", "anything")
    names = [found] if isinstance(found, str) else found
    return " or ".join(_type_name(name, schema, refs) for name in names)


def _type_name(name: str, schema: Mapping[str, Any], refs: Mapping[str, str]) -> str:
    if name == "array" and schema.get("items"):
        return f"list of {type_of(schema['items'], refs)}"
    inner = schema.get("additionalProperties")
    if name == "object" and isinstance(inner, dict):
        return f"object of {type_of(inner, refs)}"
    return {"array": "list", "integer": "whole number"}.get(name, name)


def limits_of(schema: Mapping[str, Any]) -> str:
    """The bounds that a JSON Schema sets, also on one of the types it allows."""
    parts = [schema, *schema.get("anyOf", ())]
    said = [
        text.format(part[keyword])
        for part in parts
        for keyword, text in _LIMITS.items()
        if keyword in part
    ]
    return ", ".join(said)


def fields(schema: Mapping[str, Any], refs: Mapping[str, str]) -> str:
    """The table of the properties of an object."""
    required = schema.get("required", ())
    rows = []
    for name, rule in schema.get("properties", {}).items():
        parts = [rule.get("description", ""), limits_of(rule)]
        if rule.get("default") is not None:
            parts.append(f"default {value(rule['default'])}")
        said = "; ".join(part.rstrip(".") for part in parts if part)
        mark = " *" if name in required else ""
        rows.append((code(name) + mark, type_of(rule, refs), said))
    return table(("field", "type", ""), rows)
