"""The keys of a daemon: made, listed and revoked by `robotq keys`, checked at every request."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from robotq.api.access.key_rows import NAME, RESERVED, Key, KeysRead, content_of, not_a_scope
from robotq.api.access.scopes import is_scope
from robotq.config.strict_yaml import read
from robotq.model.errors import ConfigError, DataUnavailable
from robotq.system.durable import sync_folder, write_durably

_log = logging.getLogger(__name__)

REQUIRED = "keys.required"
"""Beside the keys: there were some, so nobody comes in without one."""


class KeyFile:
    """`keys.yaml` of a data folder, and whether anybody needs a key at all.

    Nobody does in a data folder that never had keys. From the first key on everybody does,
    whatever becomes of the keys: a file without a key, an empty file and a file that is gone
    leave nobody who may come in. Only the word `open: true` in the file, which
    `robotq keys open` writes, opens the daemon again. That there were keys is noted in a file
    beside it, `keys.required`, so that the data folder knows it without `keys.yaml` too; a
    daemon that runs knows it without either.

    All methods but `find` and `required` read or write the disk: call them off the event loop.
    """

    def __init__(self, data: Path, *, check_s: float = 1.0) -> None:
        """`check_s`: wall seconds after which a change of the file is noticed at the latest.
        Raises ConfigError where the file is there and cannot be used, DataUnavailable where
        the folder is none."""
        there = next((one for one in (data, *data.parents) if one.exists()), None)
        if there is not None and not there.is_dir():
            raise DataUnavailable(f"data: {there} is a file, expected a folder")
        self._check_s = check_s
        self.path = data / "keys.yaml"
        self.noted = data / REQUIRED
        self.required = False
        """Whether nobody comes in without a key."""
        self._seen = self._signature()
        self._take(self._content())

    def find(self, presented: str) -> Key | None:
        """The key with this text. Takes equally long whichever key it is, or none."""
        digest = hashlib.sha256(presented.encode("utf-8", "surrogateescape")).hexdigest()
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found

    def is_named(self, name: str) -> bool:
        """Whether a key has this name, however it is spelled."""
        return any(key.name.casefold() == name.casefold() for key in self._keys)

    def read(self) -> Sequence[Key]:
        """The keys in the file now. Raises ConfigError that names file, line and key."""
        return self._content().keys

    def new(self, name: str, scopes: Sequence[str]) -> str:
        """Make a key and return its text, which nobody can find out afterwards.

        Raises ConfigError: bad or taken name, unknown scope.
        """
        if not NAME.fullmatch(name) or name in RESERVED:
            raise ConfigError(
                f"name: found {name!r}, expected 1 to 64 letters, digits, _ . @ or -, "
                f"and none of: {', '.join(RESERVED)}"
            )
        if not scopes:
            raise ConfigError("scopes: found none, expected at least one")
        for scope in scopes:
            if not is_scope(scope):
                raise ConfigError(f"scopes: {not_a_scope(scope)}")
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

    def open(self) -> Sequence[str]:
        """Take every key away and let everybody in who was let in before the first one: programs
        on this machine and in trusted networks. Returns the names of the keys.

        This is the only way back; a running daemon takes it over from the next second on.
        """
        names = [key.name for key in self.read()]
        self._write((), open_=True)
        # after the word is on disk: a crash between the two leaves the daemon open, as asked
        self.noted.unlink(missing_ok=True)
        sync_folder(self.noted.parent)
        return names

    def require(self) -> None:
        """Note in the data folder that nobody comes in without a key, also where it has none."""
        self.noted.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        note = (
            "Nobody uses this daemon without a key, also where keys.yaml is gone.\n"
            "`robotq keys new NAME` makes a key; `robotq keys open` lets everybody in again.\n"
        )
        write_durably(self.noted, note.encode(), private=True, shared=True)
        self.required = True

    def note(self) -> None:
        """Have the data folder know that keys are needed, where a file from elsewhere or from
        before says so and the note is missing. Raises OSError."""
        if self.required and not self.noted.exists():
            self.require()

    def revoke(self, name: str) -> None:
        """Take a key away; a running daemon refuses it from the next second on. After the last
        one nobody comes in.

        Raises ConfigError where no key has this name.
        """
        keys = self.read()
        kept = [key for key in keys if key.name != name]
        if len(kept) == len(keys):
            known = ", ".join(key.name for key in keys) or "none"
            raise ConfigError(f"name: no key {name!r}; there are: {known}")
        self._write(kept)

    async def watch(self, changed: Callable[[], None] = lambda: None) -> None:
        """Take over changes of the file, for as long as this runs. `changed` is called in the
        same moment in which others count, so that nothing is decided between the two.

        A file that cannot be used is logged, and the keys stay as they were.
        """
        told = ""
        while True:
            await asyncio.sleep(self._check_s)
            try:
                found = await asyncio.to_thread(self._changed_content)
                if found is not None:
                    self._take_over(found)
                    changed()
                    await asyncio.to_thread(self.note)
            except (ConfigError, OSError) as error:
                # what could not be read is read again, and told once
                if str(error) != told:
                    _log.error("the keys stay as they were: %s", error)
                told = str(error)
            else:
                told = ""

    def _changed_content(self) -> KeysRead | None:
        """What stands in the file; None where nobody has changed it."""
        signature = self._signature()
        if signature == self._seen:
            return None
        try:
            found = self._content()
        except ConfigError as error:
            if not isinstance(error.__cause__, OSError):
                # it stays as wrong as it is until somebody changes it again
                self._seen = signature
            raise
        self._seen = signature
        return found

    def _take_over(self, found: KeysRead) -> None:
        was = self.required
        self._take(found)
        _log.info("keys taken over from %s: %d", self.path, len(self._keys))
        if self.required and not self._keys:
            _log.warning(
                "nobody can use the daemon: a key is needed and there is none; "
                "`robotq keys new NAME` makes one"
            )
        elif was and not self.required:
            _log.warning("no key is needed any more: %s says open", self.path)

    def _content(self) -> KeysRead:
        """Raises ConfigError that names file, line and key."""
        try:
            document = read(self.path)
        except ConfigError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return KeysRead()
            raise
        return content_of(document)

    def _take(self, found: KeysRead) -> None:
        self._keys = found.keys
        if found.there:
            self.required = not found.open
        else:
            # gone, or never there: what was needed before is needed still
            self.required = self.required or self.noted.exists()

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _write(self, keys: Sequence[Key], *, open_: bool = False) -> None:
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
        if not open_:
            # before the file: a key must not be forgotten by a crash between the two
            self.require()
        content = {"open": True} if open_ else {"keys": rows}
        text = "# Made by `robotq keys`. Holds no key, only what recognises one.\n"
        text += yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # a key that was taken away does not come back by a power cut
        write_durably(self.path, text.encode(), private=True, shared=True)
        self._seen = self._signature()
        self._take(KeysRead(keys=tuple(keys), open=open_, there=True))
