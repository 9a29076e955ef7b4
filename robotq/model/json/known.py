"""Large parts of a result that know their JSON: it was made once, where they were made.

The encoder lets no other thread run while it works, so what is large is encoded once and in slices,
and whoever writes it out again puts the known bytes in.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import orjson

LARGE = 65_536
"""Bytes of JSON from which on a value keeps them."""

EMBED = orjson.OPT_PASSTHROUGH_SUBCLASS
"""The option with which `embedded` is the `default` of an encoder."""


class KnownList(list[Any]):
    """Never changed after it was made."""

    __slots__ = ("json", "parts")

    json: bytes
    parts: int


class KnownDict(dict[str, Any]):
    """Never changed after it was made."""

    __slots__ = ("json", "parts")

    json: bytes
    parts: int


class KnownText(str):
    """A picture, for example."""

    __slots__ = ("json", "parts")

    json: bytes
    parts: int


Known: TypeAlias = KnownList | KnownDict | KnownText
KNOWN = (KnownList, KnownDict, KnownText)


def knowing(value: Any, json: bytes, parts: int) -> Any:
    """`value` with its JSON where that is large; `parts` are those of its objects and lists."""
    known: Known
    if len(json) < LARGE:
        return value
    if type(value) is list:
        known = KnownList(value)
    elif type(value) is dict:
        known = KnownDict(value)
    elif type(value) is str:
        known = KnownText(value)
    else:
        return value
    known.json, known.parts = json, parts
    return known


def embedded(value: object) -> Any:
    """For an encoder: the JSON that a value knows. Raises TypeError for what has none."""
    if isinstance(value, KNOWN):
        return orjson.Fragment(value.json)
    # what the encoder hands over only because of EMBED
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


SIGNS = b",:{["
"""What each part of an object or a list has in its JSON."""


def parts_of(json: bytes) -> int:
    """The parts of the objects and lists in `json`, roughly and rather too many."""
    return len(json) - len(json.translate(None, SIGNS))
