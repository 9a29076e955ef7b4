"""The files of a hot folder. Everything here blocks, and runs in the folder's own thread."""

from __future__ import annotations

import heapq
import os
import secrets
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path

import msgspec
import orjson

from robotq.model.carried.plain_text import plain
from robotq.model.carried.program import is_program
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.json.text import parse_json
from robotq.system.durable import sync_folder, write_durably

LOOKED_AT = 100
"""Files in one look; the others wait for the next one."""

COUNTED = 10_000
"""Files that are counted at most, to say how many wait."""

_UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".swp", "~")
"""How names of files end that somebody is still writing."""

_NAME_BYTES = 160
"""Longer names are cut, so that what is put before and behind them still fits: a token of 30,
`.accepted.json`, and `.` and `.tmp` while that is written."""

_SUFFIX_BYTES = 20

_MARK = "~"
"""Between the token of a file that was taken and its own name."""


class Taken(msgspec.Struct, frozen=True):
    """A file that is the daemon's now. Its token is its identity, also after a crash."""

    token: str
    name: str
    """As it was dropped."""

    @property
    def shown(self) -> str:
        """The name as a text that can be written as JSON."""
        return plain(os.fsencode(self.name).decode("utf-8", "replace"))

    @property
    def at_ms(self) -> int:
        """When it was taken, by the wall clock."""
        return int(self.token.partition("-")[0])


class _Look(msgspec.Struct, frozen=True):
    """A file as it was when it was looked at last."""

    signature: tuple[int, int, int]
    since: float
    """Monotonic seconds; it has been like this from then on."""
    complete: bool


class Folder:
    """`done/` and `rejected/` are in the folder, and `taking/`, where a file is from the moment
    when it is taken until it is in one of the two.

    A file is taken by being moved under a name with a token of its own, durably, before
    anything is made of it. So what the token has led to can be found out after a crash, and
    nothing that was dropped is ever overwritten or removed.
    """

    def __init__(
        self,
        path: Path,
        *,
        limit_bytes: int,
        settle_s: float,
        suffixes: tuple[str, ...],
        program_bytes: int | None = None,
    ) -> None:
        """A file is waited for until nobody has changed it for `settle_s`; larger ones than
        `limit_bytes` are refused, and programs that are larger than `program_bytes`."""
        self.path = path
        self._limit_bytes = limit_bytes
        self._program_bytes = limit_bytes if program_bytes is None else program_bytes
        self._settle_s = settle_s
        self._suffixes = suffixes
        self._taking = path / "taking"
        self._done = path / "done"
        self._rejected = path / "rejected"
        self._looks: dict[str, _Look] = {}
        self._taken = 0

    def prepare(self) -> None:
        """Make the folders. Raises OSError."""
        for folder in (self._taking, self._done, self._rejected):
            folder.mkdir(parents=True, exist_ok=True)

    def left_over(self) -> Sequence[Taken]:
        """What was taken and is in neither folder yet, oldest first."""
        names = heapq.nsmallest(LOOKED_AT, (file.name for file in self._taking.iterdir()))
        return [Taken(token, name) for token, mark, name in map(_split, names) if mark]

    def waiting(self) -> int:
        """How many files are not in one of the two folders yet; some of a great many."""
        with os.scandir(self._taking) as taken, os.scandir(self.path) as dropped:
            found = chain((entry.name for entry in taken), _dropped(dropped))
            return sum(1 for _ in islice(found, COUNTED))

    def arrived(self) -> Sequence[str]:
        """The names of files that are complete, or will not become so, in the order of their
        arrival."""
        with os.scandir(self.path) as entries:
            found = heapq.nsmallest(LOOKED_AT, _dropped(entries))
        names = {name for _, name in found}
        self._looks = {name: look for name, look in self._looks.items() if name in names}
        return [name for _, name in found if self._is_ready(name)]

    def take(self, name: str) -> Taken | None:
        """Make a file the daemon's own. None where it is gone, or cannot be had yet."""
        self._taken += 1
        token = f"{time.time_ns() // 1_000_000:013d}-{self._taken:06d}-{secrets.token_hex(4)}"
        taken = Taken(token, _cut(name))
        try:
            (self.path / name).rename(self._file(taken))
        except (FileNotFoundError, PermissionError):
            # on Windows, whoever has it open keeps it
            return None
        self._looks.pop(name, None)
        # a power cut must not undo this once a task was made of it
        for folder in (self._taking, self.path):
            sync_folder(folder)
        return taken

    def read(self, taken: Taken) -> bytes | Path:
        """Its content; where it is, of a program that is not to be read into memory. Raises
        RobotqError bad_parameter, body_too_large, program_too_large."""
        file = self._file(taken)
        if not taken.name.lower().endswith(self._suffixes):
            known = " or ".join(self._suffixes)
            raise RobotqError("bad_parameter", field="file", reason=f"expected a name with {known}")
        try:
            found = file.lstat()
            if not stat.S_ISREG(found.st_mode):
                raise RobotqError("bad_parameter", field="file", reason="expected a plain file")
            if is_program(taken.name) and found.st_size > self._limit_bytes:
                if found.st_size > self._program_bytes:
                    raise RobotqError("program_too_large", limit_bytes=self._program_bytes)
                return file
            if found.st_size > self._limit_bytes:
                raise RobotqError("body_too_large", limit_bytes=self._limit_bytes)
            content = file.read_bytes()
        except OSError as error:
            reason = f"it cannot be read: {error.strerror}"
            raise RobotqError("bad_parameter", field="file", reason=reason) from error
        if not content.strip():
            if is_program(taken.name):
                raise RobotqError("bad_parameter", field="file", reason="the file is empty")
            raise RobotqError("bad_json", reason="the file is empty")
        return content

    def finish(self, taken: Taken, receipt: JsonObject) -> None:
        """Move it to `done/`, with what became of it beside."""
        self._put(taken, self._done, "accepted", receipt)

    def reject(self, taken: Taken, reason: JsonObject) -> None:
        """Move it to `rejected/`, with the reason beside."""
        self._put(taken, self._rejected, "reason", reason)

    def set_aside(self, taken: Taken) -> None:
        """Move it to `rejected/` under nothing but its token, whatever is wrong with it. Raises
        OSError where not even that can be done."""
        self._file(taken).rename(self._rejected / taken.token)

    def prune(self, before_s: float) -> None:
        """Remove files from `done/` that came there before, by the wall clock."""
        with os.scandir(self._done) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    found = entry.stat(follow_symlinks=False)
                    if max(found.st_ctime, found.st_mtime) < before_s:
                        Path(entry.path).unlink()

    # -- the core --------------------------------------------------------------------------

    def _is_ready(self, name: str) -> bool:
        """Whether it is complete, or has not been changed for so long that it will not be."""
        file = self.path / name
        try:
            found = file.lstat()
        except OSError:
            return False
        signature = (found.st_size, found.st_mtime_ns, found.st_ino)
        now = time.monotonic()
        look = self._looks.get(name)
        if look is None or look.signature != signature:
            look = _Look(signature, now, self._is_complete(file, found))
            self._looks[name] = look
        return look.complete or now - look.since >= self._settle_s

    def _is_complete(self, file: Path, found: os.stat_result) -> bool:
        """Whether it is JSON to its end: no part of an object or of a list is. The half of a
        program is a program too, so that it is always waited for."""
        if is_program(file.name):
            return False
        if not stat.S_ISREG(found.st_mode) or not 0 < found.st_size <= self._limit_bytes:
            return False
        try:
            content = file.read_bytes()
            return bool(content.strip()) and isinstance(parse_json(content), dict | list)
        except (OSError, RobotqError):
            return False

    def _file(self, taken: Taken) -> Path:
        return self._taking / f"{taken.token}{_MARK}{taken.name}"

    def _put(self, taken: Taken, folder: Path, kind: str, note: JsonObject) -> None:
        target = folder / taken.name
        if target.exists() or target.is_symlink():
            target = folder / f"{taken.token}{_MARK}{taken.name}"
        beside = target.with_name(f"{target.name}.{kind}.json")
        text = orjson.dumps(note, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        write_durably(beside, text)
        self._file(taken).rename(target)


def _dropped(entries: Iterator[os.DirEntry[str]]) -> Iterator[tuple[int, str]]:
    """When and under which name files came."""
    for entry in entries:
        if entry.name.startswith(".") or entry.name.lower().endswith(_UNFINISHED):
            continue
        with suppress(FileNotFoundError):
            if entry.is_dir(follow_symlinks=False):
                continue
            found = entry.stat(follow_symlinks=False)
            # where the system keeps it, the time of the last change of the name too: that is
            # when a file that was written elsewhere was moved here
            came_ns = found.st_mtime_ns if sys.platform == "win32" else found.st_ctime_ns
            yield came_ns, entry.name


def _split(name: str) -> tuple[str, str, str]:
    token, mark, own = name.partition(_MARK)
    return (token, mark, own) if token[:1].isdigit() else (token, "", own)


def _cut(name: str) -> str:
    encoded = os.fsencode(name)
    if len(encoded) <= _NAME_BYTES:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(os.fsencode(suffix)) > _SUFFIX_BYTES:
        # what is behind the last dot is no suffix
        stem, dot, suffix = name, "", ""
    room = _NAME_BYTES - len(os.fsencode(suffix)) - 1
    # the robot that gets a program stands at the end
    kept = os.fsencode(stem)[-room:] if is_program(name) else os.fsencode(stem)[:room]
    return f"{kept.decode('utf-8', 'ignore')}{dot}{suffix}"
