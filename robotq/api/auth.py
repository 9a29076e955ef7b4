"""The keys of a daemon: made, listed and revoked by `robotq keys`, checked at every request."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import os
import re
import secrets
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from robotq.api.scopes import GRANTED, is_scope
from robotq.config.strict_yaml import Document, KeyPath, key_text, read
from robotq.model.errors import ConfigError

_log = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIELDS = ("name", "sha256", "scopes", "created")
_RESERVED = ("anonymous", "agent", "robotq")
"""Names of actors in the journal that are no keys."""

_CHECK_S = 1.0
"""Seconds after which a change of the file is noticed at the latest."""


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


class KeyFile:
    """`keys.yaml` of a data folder. No file means no keys.

    All methods but `find` and the truth value read or write the disk: call them off the
    event loop.
    """

    def __init__(self, data: Path) -> None:
        """Raises ConfigError where the file is there and cannot be used."""
        self.path = data / "keys.yaml"
        self.changes = 0
        """Raised whenever other keys are in use."""
        self._seen = self._signature()
        self._keys = self.read()

    def __bool__(self) -> bool:
        """Whether any key exists."""
        return bool(self._keys)

    def find(self, presented: str) -> Key | None:
        """The key with this text. Takes equally long whichever key it is, or none."""
        digest = hashlib.sha256(presented.encode("utf-8", "surrogateescape")).hexdigest()
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found

    def read(self) -> Sequence[Key]:
        """The keys in the file now. Raises ConfigError that names file, line and key."""
        try:
            document = read(self.path)
        except ConfigError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return ()
            raise
        return _keys_of(document)

    def new(self, name: str, scopes: Sequence[str]) -> str:
        """Make a key and return its text, which nobody can find out afterwards.

        Raises ConfigError: bad or taken name, unknown scope.
        """
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise ConfigError(
                f"name: found {name!r}, expected 1 to 64 letters, digits, _ . @ or -, "
                f"and none of: {', '.join(_RESERVED)}"
            )
        if not scopes:
            raise ConfigError("scopes: found none, expected at least one")
        for scope in scopes:
            if not is_scope(scope):
                raise ConfigError(f"scopes: {_not_a_scope(scope)}")
        keys = self.read()
        if any(key.name == name for key in keys):
            raise ConfigError(f"name: a key {name!r} exists already; revoke it first")
        text = "rq_" + secrets.token_urlsafe(32)
        key = Key(
            name=name,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            scopes=tuple(dict.fromkeys(scopes)),
            created=time.strftime("%Y-%m-%d %H:%M:%S"),
        )
        self._write([*keys, key])
        return text

    def revoke(self, name: str) -> None:
        """Take a key away; a running daemon refuses it from the next second on.

        Raises ConfigError where no key has this name.
        """
        keys = self.read()
        kept = [key for key in keys if key.name != name]
        if len(kept) == len(keys):
            known = ", ".join(key.name for key in keys) or "none"
            raise ConfigError(f"name: no key {name!r}; there are: {known}")
        self._write(kept)

    async def watch(self) -> None:
        """Take over changes of the file, for as long as this runs.

        A file that cannot be used is logged, and the keys stay as they were.
        """
        while True:
            await asyncio.sleep(_CHECK_S)
            try:
                await asyncio.to_thread(self._refresh)
            except (ConfigError, OSError) as error:
                _log.error("the keys stay as they were: %s", error)

    def _refresh(self) -> None:
        signature = self._signature()
        if signature != self._seen:
            self._seen = signature
            self._keys = self.read()
            self.changes += 1
            _log.info("keys taken over from %s: %d", self.path, len(self._keys))

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _write(self, keys: Sequence[Key]) -> None:
        """Replace the file in one step, readable by its owner only."""
        rows = [
            {
                "name": key.name,
                "sha256": key.sha256,
                "scopes": list(key.scopes),
                "created": key.created,
            }
            for key in keys
        ]
        text = "# Made by `robotq keys`. Holds no key, only what recognises one.\n"
        text += yaml.safe_dump({"keys": rows}, sort_keys=False, allow_unicode=True)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # made with mode 0600 before anything is in it
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".keys-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise
        self._seen, self._keys = self._signature(), tuple(keys)
        self.changes += 1


def _keys_of(document: Document) -> Sequence[Key]:
    top = document.value if document.value is not None else {}
    rows = top.get("keys", []) if isinstance(top, dict) else None
    if not isinstance(rows, list) or set(top) - {"keys"}:
        raise ConfigError(f"{document.name}: expected `keys:` with a list, and nothing else")
    keys = [_key_of(row, ("keys", index), document) for index, row in enumerate(rows)]
    names = [key.name for key in keys]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise _fault(document, ("keys", index, "name"), f"found {name!r} a second time")
    return tuple(keys)


def _key_of(row: Any, path: KeyPath, document: Document) -> Key:
    if not isinstance(row, dict) or set(row) != set(_FIELDS):
        raise _fault(document, path, f"expected the keys {', '.join(_FIELDS)}")
    name, sha256, scopes, created = (row[field] for field in _FIELDS)
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _RESERVED:
        raise _fault(document, (*path, "name"), f"found {name!r}, which is no name of a key")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise _fault(document, (*path, "sha256"), "expected 64 hexadecimal digits")
    if not isinstance(scopes, list):
        raise _fault(document, (*path, "scopes"), "expected a list")
    for index, scope in enumerate(scopes):
        if not isinstance(scope, str) or not is_scope(scope):
            raise _fault(document, (*path, "scopes", index), _not_a_scope(scope))
    if not isinstance(created, str):
        raise _fault(document, (*path, "created"), "expected a text")
    return Key(name=name, sha256=sha256, scopes=tuple(scopes), created=created)


def _fault(document: Document, path: KeyPath, text: str) -> ConfigError:
    return ConfigError(f"{document.where(path)}: {key_text(path)}: {text}")


def _not_a_scope(found: Any) -> str:
    return f"found {found!r}, expected one of {', '.join(GRANTED)}, worker:<queue>"
