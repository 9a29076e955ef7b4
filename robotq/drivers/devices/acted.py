"""Which devices may be at work for a command: on disk before they begin, so that the next start
brings them to rest where this one was killed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from pathlib import Path

import orjson

from robotq.drivers.base import DriverError
from robotq.system.durable import write_durably

_log = logging.getLogger(__name__)


class Acted:
    """Names of devices, in a file that is complete at every moment. From any thread."""

    def __init__(self, path: Path, known: Iterable[str]) -> None:
        """A file that cannot be read may have named any of the `known` ones."""
        self._path = path
        self._changing = threading.Lock()
        self._names: frozenset[str] = frozenset()
        try:
            read = orjson.loads(path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            _log.error("%s cannot be read: %s; every device counts as at work", path, error)
            read = list(known)
        self._names = frozenset(read if isinstance(read, list) else known) & frozenset(known)

    @property
    def names(self) -> frozenset[str]:
        return self._names

    def add(self, name: str) -> None:
        """Raises DriverError where it cannot be kept: then the device must not begin."""
        with self._changing:
            if name not in self._names:
                try:
                    self._write(self._names | {name})
                except OSError as error:
                    raise DriverError(
                        f"{self._path} cannot be written, so {name} does not begin: {error}"
                    ) from error

    def remove(self, names: Iterable[str]) -> None:
        """They rest. Where the disk does not take it, they are brought to rest once more at the
        next start, which does no harm."""
        with self._changing:
            left = self._names - frozenset(names)
            if left != self._names:
                try:
                    self._write(left)
                except OSError as error:
                    _log.warning("%s cannot be written: %s", self._path, error)

    def _write(self, names: frozenset[str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(self._path, orjson.dumps(sorted(names)))
        self._names = names
