"""What answers look like, as JSON Schema: made from the shapes of `robotq.wire`."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import NODEFAULT
from msgspec.inspect import (
    DictType,
    EnumType,
    Metadata,
    StructType,
    UnionType,
    VarTupleType,
    multi_type_info,
)
from msgspec.structs import fields

from robotq.model.json import JsonObject
from robotq.wire.base import REF, SHAPES, Open


def schemas_of(types: Iterable[Any]) -> tuple[Mapping[Any, JsonObject], dict[str, JsonObject]]:
    """The schema of each type, and by name those that they refer to."""
    wanted = list(dict.fromkeys(types))
    own, found = msgspec.json.schema_components(wanted, ref_template=REF + "{name}")
    kinds = _kinds(wanted)
    while more := sorted(_refs(found) - set(found)):
        # what something is only like is no part of its type
        others = [SHAPES[name] for name in more]
        found |= msgspec.json.schema_components(others, ref_template=REF + "{name}")[1]
        kinds |= _kinds(others)
    for name, kind in kinds.items():
        found[name] |= _of_enum(kind) if issubclass(kind, Enum) else _of_struct(found[name], kind)
    refs = {}
    for one, schema in zip(wanted, own, strict=True):
        refs[one] = schema
        if "title" in schema:
            # a choice between several that has a name
            found[schema["title"]] = schema
            refs[one] = {"$ref": REF + schema["title"]}
    return refs, _plain(found)


def _of_enum(kind: type[Enum]) -> JsonObject:
    told = {"description": inspect.cleandoc(kind.__doc__)} if kind.__doc__ else {}
    return {**told, "type": "string", "enum": [one.value for one in kind]}


def _of_struct(schema: JsonObject, kind: Any) -> JsonObject:
    """What msgspec does not know of a shape."""
    config = kind.__struct_config__
    tag = {} if config.tag is None else {config.tag_field: {"const": config.tag}}
    required = [*tag, *(one.encode_name for one in fields(kind) if one.default is NODEFAULT)]
    properties = tag | {
        one.encode_name: {**schema["properties"][one.encode_name], **_text(kind, one.name)}
        for one in fields(kind)
    }
    told = {"description": inspect.cleandoc(kind.__doc__)} if kind.__doc__ else {}
    return {
        **told,
        "properties": properties,
        "required": required,
        "additionalProperties": issubclass(kind, Open),
    }


def _text(kind: type, name: str) -> JsonObject:
    """What is said about a field, where it or one that it inherits is described."""
    for base in kind.__mro__:
        if text := _texts(base.__module__).get((base.__qualname__, name)):
            return {"description": text}
    return {}


def _kinds(types: Iterable[Any]) -> dict[str, type]:
    """Name -> every shape and enum that these are made of."""
    waiting, found = list(multi_type_info(types)), dict[str, type]()
    while waiting:
        match waiting.pop():
            case StructType(cls=kind, fields=parts) if kind.__name__ not in found:
                found[kind.__name__] = kind
                waiting += [part.type for part in parts]
            case EnumType(cls=kind):
                found[kind.__name__] = kind
            case Metadata(type=inner) | DictType(value_type=inner) | VarTupleType(item_type=inner):
                waiting.append(inner)
            case UnionType(types=several):
                waiting += several
            case _:
                pass
    return found


def _refs(schema: Any) -> set[str]:
    if isinstance(schema, list | tuple):
        return {name for one in schema for name in _refs(one)}
    if not isinstance(schema, Mapping):
        return set()
    found = {name for one in schema.values() for name in _refs(one)}
    return found | ({schema["$ref"].removeprefix(REF)} if "$ref" in schema else set())


def _plain(schema: Any) -> Any:
    """Nothing beside a reference but what it is for, and no default that says nothing."""
    if isinstance(schema, list | tuple):
        return [_plain(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        return {key: schema[key] for key in ("$ref", "description") if key in schema}
    return {key: _plain(value) for key, value in schema.items()}


@lru_cache(maxsize=64)
def _texts(module: str) -> Mapping[tuple[str, str], str]:
    """Class and field -> the text below it, of a module."""
    if not module.startswith("robotq."):
        return {}
    found = {}
    for kind in ast.parse(inspect.getsource(sys.modules[module])).body:
        if not isinstance(kind, ast.ClassDef):
            continue
        for one, after in pairwise(kind.body):
            match one, after:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[kind.name, name] = " ".join(text.split())
                case _:
                    pass
    return found
