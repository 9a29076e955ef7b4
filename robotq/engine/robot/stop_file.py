"""The latch of the emergency stop as a file of its own, which waits for no database."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson

from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.hold import Hold
from robotq.model.json import JsonObject
from robotq.system.durable import sync_folder, write_synced

_log = logging.getLogger(__name__)

NAME = "estop.json"
"""In the data folder while a robot is stopped. Whatever it holds, it means a stop."""

_UNREADABLE: JsonObject = {"actor": "robotq", "reason": "reason.latch_unreadable"}


class StopFile:
    """Robots are stopped after a start where this or the database says so, so a stop is kept
    that came when the database was closed already, or did not answer.

    Written in a thread of its own; the file and its folder are synced.
    """

    def __init__(self, folder: Path | None) -> None:
        """None: nothing is kept, as with a database in memory."""
        self._path = None if folder is None else folder / NAME
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="robotq-latch")
        self._lock = threading.Lock()
        self._wanted: Mapping[str, JsonObject] = {}
        self._next: asyncio.Future[bool] | None = None
        """The write that has not begun yet; it takes the newest that is wanted."""

    def read(self, robots: Iterable[str]) -> Mapping[str, JsonObject]:
        """The robots that are stopped, each with `actor` and `reason`; of a file that cannot be
        read, all of `robots`. Blocks."""
        if self._path is None:
            return {}
        try:
            found = orjson.loads(self._path.read_bytes())["robots"]
            return {
                str(robot): {"actor": str(hold["actor"]), "reason": str(hold["reason"])}
                for robot, hold in found.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            _log.error("%s cannot be read, so every robot is stopped: %s", self._path, error)
            return dict.fromkeys(robots, _UNREADABLE)

    def keep(self, stops: Iterable[Hold]) -> asyncio.Future[bool]:
        """Write that these robots are stopped, and no others; without one there is no file.

        Called on the loop, and begins at once. The future says whether that, or something newer,
        is on disk; it may be cancelled, and the write goes on.
        """
        loop = asyncio.get_running_loop()
        if self._path is None:
            nowhere: asyncio.Future[bool] = loop.create_future()
            nowhere.set_result(False)
            return nowhere
        with self._lock:
            self._wanted = {
                hold.robot: {"actor": hold.actor, "reason": hold.args.get("reason", "")}
                for hold in stops
            }
            if self._next is None:
                self._next = loop.run_in_executor(self._thread, self._write, self._path)
            return asyncio.shield(self._next)

    @property
    def kept(self) -> bool:
        """Whether there is a file at all that could be written."""
        return self._path is not None

    def _write(self, path: Path) -> bool:
        with self._lock:
            wanted, self._next = self._wanted, None
        try:
            if wanted:
                _put(path, orjson.dumps({"robots": wanted}))
            else:
                _remove(path)
        except OSError as error:
            _log.error("%s cannot be written: %s", path, error)
            return False
        return True


def _put(path: Path, content: bytes) -> None:
    partial = path.with_suffix(".tmp")
    crash_point(CrashPoint.LATCH)
    write_synced(partial, content)
    crash_point(CrashPoint.LATCH_WRITTEN)
    partial.replace(path)
    crash_point(CrashPoint.LATCH_IN_PLACE)
    sync_folder(path.parent)
    crash_point(CrashPoint.LATCHED)


def _remove(path: Path) -> None:
    crash_point(CrashPoint.UNLATCH)
    path.unlink(missing_ok=True)
    crash_point(CrashPoint.UNLATCH_REMOVED)
    sync_folder(path.parent)
    crash_point(CrashPoint.UNLATCHED)
