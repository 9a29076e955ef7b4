"""What a robot's steps are to know in later commands: which bottle stands where, for example."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from robotq.drivers.base import DriverError
from robotq.model.errors import ConfigError
from robotq.system.durable import write_durably

_MOST = 10_000
"""Entries of one robot; the next one is refused."""


class Memory:
    """Values by group and key, in a file that is complete at every moment.

    Used on the thread of `Driver.execute`.
    """

    def __init__(self, path: Path) -> None:
        """Raises ConfigError for a file that is not one of these."""
        self._path = path
        self._groups: dict[str, dict[str, Any]] = {}
        try:
            read = orjson.loads(path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: cannot be read: {error}; mend or remove it") from error
        if not isinstance(read, dict) or not all(
            isinstance(group, dict) for group in read.values()
        ):
            raise ConfigError(f"{path}: expected groups of entries; mend or remove it")
        self._groups = read

    @property
    def groups(self) -> Mapping[str, Mapping[str, Any]]:
        """Everything, as it is at any time."""
        return self._groups

    def remember(self, group: str, key: str, value: Any) -> None:
        """Raises DriverError where it cannot be kept; then nothing has changed."""
        if sum(map(len, self._groups.values())) >= _MOST:
            raise DriverError(f"more than {_MOST} entries in {self._path.name}")
        old = {name: dict(entries) for name, entries in self._groups.items()}
        self._groups.setdefault(group, {})[key] = value
        self._write(old)

    def forget(self, group: str, key: str | None) -> None:
        """Forget an entry, or with key None a whole group; what is not there is forgotten."""
        old = {name: dict(entries) for name, entries in self._groups.items()}
        if key is None:
            self._groups.pop(group, None)
        else:
            self._groups.get(group, {}).pop(key, None)
        self._write(old)

    def _write(self, old: Mapping[str, dict[str, Any]]) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # what was forgotten is not remembered again after a power cut
            write_durably(self._path, orjson.dumps(self._groups))
        except (OSError, TypeError) as error:
            self._groups.clear()
            self._groups.update(old)
            raise DriverError(f"{self._path}: cannot be written: {error}") from error
