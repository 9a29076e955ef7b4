"""Which keys there are, and under which names the environment sets them."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from robotq.config.schema import Config
from robotq.config.strict_yaml import parse

PREFIX = "ROBOTQ_"

OTHER_VARIABLES = frozenset(
    {"ROBOTQ_CONFIG", "ROBOTQ_CRASH_POINT", "ROBOTQ_KEY", "ROBOTQ_NAME", "ROBOTQ_URL"}
)
"""Variables of the command line, the clients and the crash tests: which file to read, where to
die, which key to send, which daemon to talk to. They set no key of the configuration."""


_PASSWORD = re.compile(r"(://[^/@\s:]*):[^/@\s]*@")


def without_password(text: str) -> str:
    """What was found, for a fault: that comes into logs and onto screens."""
    return _PASSWORD.sub(r"\1:***@", text)


def children(kind: Any) -> Mapping[str, Any]:
    """The known keys of a section and the type of each; empty for everything else."""
    return _keys(kind) if isinstance(kind, type) and is_dataclass(kind) else {}


@cache
def _keys(section: type) -> Mapping[str, Any]:
    hints = get_type_hints(section)
    return {one.name: hints[one.name] for one in fields(section) if one.name != "source"}


def child(kind: Any, key: str) -> Any:
    """The type of what stands under `key`; None where no such key exists."""
    if kind is Any:
        return Any
    if get_origin(kind) is Mapping:
        return get_args(kind)[1]
    return children(kind).get(key)


def empty(kind: Any) -> Any:
    """What a key with nothing behind it means: no entries, or None for a single value."""
    if is_dataclass(kind) or get_origin(kind) is Mapping:
        return {}
    return [] if get_origin(kind) is list else None


def is_text(kind: Any) -> bool:
    """Whether a value of this type is a text, so that `no` and `007` stay as written."""
    if get_origin(kind) in (Union, types.UnionType):
        return any(is_text(part) for part in get_args(kind))
    return kind is str or get_origin(kind) is Literal or kind is Path


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` with the nearest known name, or all of them if none is near."""
    names = tuple(known)
    near = get_close_matches(name, names, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f", expected one of: {', '.join(names)}" if names else ""


def variables() -> Iterator[str]:
    """The variables that need no name of a robot or resource in them."""
    yield from _variables(PREFIX, Config)


def _variables(prefix: str, section: Any) -> Iterator[str]:
    for key, kind in children(section).items():
        name = f"{prefix}{key}".upper()
        if children(kind):
            yield from _variables(f"{name}__", kind)
        else:
            yield name


def target_of(variable: str, tree: Mapping[str, Any]) -> tuple[tuple[str, ...], Any] | None:
    """Path and type of the key that `variable` sets, None where there is none.

    The name of a robot or a resource is the one in `tree` that reads the same in upper case
    with `-` as `_`; else the variable makes a new one, in lower case.
    """
    if variable != variable.upper():
        return None
    path: list[str] = []
    kind: Any = Config
    here: Any = tree
    for part in variable.removeprefix(PREFIX).split("__"):
        existing = here if isinstance(here, Mapping) else {}
        key = next((k for k in existing if _spelled(k) == part), part.lower())
        kind = child(kind, key)
        if kind is None or not key:
            return None
        path.append(key)
        here = existing.get(key)
    return tuple(path), kind


def from_text(text: str, kind: Any, name: str) -> Any:
    """The value that a variable gives to a key of type `kind`: YAML, or parts between commas
    for a list. Raises ConfigError."""
    if get_origin(kind) is list and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    if is_text(kind):
        return text if text or kind is str else None
    return parse(text, name).value


def _spelled(key: str) -> str:
    return key.replace("-", "_").upper()
