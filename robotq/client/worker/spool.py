"""Results of a worker on disk, from the moment they are there until the daemon has them."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import orjson

from robotq.model.json import JsonObject, JsonValue
from robotq.system.durable import write_durably

_log = logging.getLogger(__name__)

_LARGEST = 1_000_000
"""Bytes of a result; the daemon takes a little more than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a task ended here."""

    worker_id: str
    """Who had it: a later run of the same worker may go by another name."""
    task_id: str
    token: int
    success: bool
    data: JsonValue = None
    error: str | None = None

    def body(self) -> JsonObject:
        """As it goes to the daemon."""
        return {
            "task_id": self.task_id,
            "token": self.token,
            "success": self.success,
            "data": self.data,
            "error": self.error,
        }


_HALF_S = 3_600.0
"""Seconds after which a file that is not whole will never be."""


class Spool:
    """A folder with one file for each result. All methods touch the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self) -> None:
        """Make the folder, and remove what was half written when a run ended. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for half in self._folder.glob(".*.tmp"):
            # another worker may be writing one here right now
            if time.time() - half.stat().st_mtime > _HALF_S:
                half.unlink(missing_ok=True)

    def keep(self, finished: Finished) -> None:
        """On disk, synced, when this returns. A result that is no JSON, or too large, is kept
        as a failure that says so. Raises OSError."""
        file = self._folder / f"{finished.task_id}-{finished.token}.json"
        write_durably(file, _encoded(finished), private=True, shared=True)

    def kept(self) -> Sequence[tuple[Path, Finished]]:
        """Every result, oldest first. A file that cannot be read is logged and left aside."""
        found = []
        for path in sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns):
            try:
                found.append((path, Finished(**orjson.loads(path.read_bytes()))))
            except (orjson.JSONDecodeError, TypeError) as error:
                _log.error("%s holds no result, and is set aside: %s", path, error)
                path.replace(path.with_suffix(".bad"))
        return found

    def forget(self, path: Path) -> None:
        path.unlink(missing_ok=True)


def _encoded(finished: Finished) -> bytes:
    try:
        encoded = orjson.dumps(asdict(finished))
    except TypeError as error:
        return _failure(finished, f"the result is no JSON: {error}")
    if len(encoded) > _LARGEST:
        return _failure(finished, f"the result has {len(encoded)} bytes, more than {_LARGEST}")
    return encoded


def _failure(finished: Finished, reason: str) -> bytes:
    failed = replace(finished, success=False, data=None, error=reason)
    return orjson.dumps(asdict(failed))
