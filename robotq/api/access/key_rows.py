"""What stands in a file of keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from robotq.api.access.scopes import GRANTED, is_scope
from robotq.config.strict_yaml import Document, KeyPath, key_text
from robotq.model.errors import ConfigError

NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIELDS = ("name", "sha256", "scopes", "created")
RESERVED = ("anonymous", "agent", "robotq")
"""Names of actors in the journal that are no keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as the daemon knows it: enough to recognise it, not enough to use it."""

    name: str
    """Stands in the journal as the actor of everything done with this key."""
    sha256: str
    """Of the key's text, hex."""
    scopes: tuple[str, ...]
    created: str
    """Local date and time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysRead:
    """What stands in the file."""

    keys: Sequence[Key] = ()
    open: bool = False
    """It says by its own word that nobody needs a key."""
    there: bool = False


def content_of(document: Document) -> KeysRead:
    top = document.value if document.value is not None else {}
    if isinstance(top, dict) and set(top) == {"open"} and top["open"] is True:
        return KeysRead(open=True, there=True)
    rows = top.get("keys", []) if isinstance(top, dict) else None
    if not isinstance(rows, list) or set(top) - {"keys"}:
        raise ConfigError(
            f"{document.name}: expected `keys:` with a list and nothing else, or `open: true` "
            "and nothing else"
        )
    keys = [_key_of(row, ("keys", index), document) for index, row in enumerate(rows)]
    names = [key.name for key in keys]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise _fault(document, ("keys", index, "name"), f"found {name!r} a second time")
    return KeysRead(keys=tuple(keys), there=True)


def _key_of(row: Any, path: KeyPath, document: Document) -> Key:
    if not isinstance(row, dict) or set(row) != set(_FIELDS):
        raise _fault(document, path, f"expected the keys {', '.join(_FIELDS)}")
    name, sha256, scopes, created = (row[field] for field in _FIELDS)
    if not isinstance(name, str) or not NAME.fullmatch(name) or name in RESERVED:
        raise _fault(document, (*path, "name"), f"found {name!r}, which is no name of a key")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise _fault(document, (*path, "sha256"), "expected 64 hexadecimal digits")
    if not isinstance(scopes, list):
        raise _fault(document, (*path, "scopes"), "expected a list")
    for index, scope in enumerate(scopes):
        if not isinstance(scope, str) or not is_scope(scope):
            raise _fault(document, (*path, "scopes", index), not_a_scope(scope))
    if not isinstance(created, str):
        raise _fault(document, (*path, "created"), "expected a text")
    return Key(name=name, sha256=sha256, scopes=tuple(scopes), created=created)


def _fault(document: Document, path: KeyPath, text: str) -> ConfigError:
    return ConfigError(f"{document.where(path)}: {key_text(path)}: {text}")


def not_a_scope(found: Any) -> str:
    return f"found {found!r}, expected one of {', '.join(GRANTED)}, worker:<queue>"
