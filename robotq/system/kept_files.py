"""Files that are known by their content: `<folder>/<first two digits>/<sha256>`, each there once.

For what is too large for a row of the database: a row names the file by its SHA-256, so the file
is on disk before that row is. Everything here blocks, except `pin` and `release`.

How to use it, in this order:

    with room.incoming() as half:           # a file without a name; gone again unless it is kept
        half.write(block)                   # RoomFull: there is no room for it
        sha256 = room.keep(half)            # whole, durable, and pinned
    ...                                     # commit the row that names it
    room.release(sha256)                    # from here on the row keeps it

`room.put(content)` does the first half for what is in memory. Who wants to name a file that is
there already pins it, then looks whether `has` is true, then commits, then releases it: a sweep
takes nothing that is pinned, nor what was released since it began. `checked` opens a file, and
has compared its content with its name. A sweep:

    with room.sweeping() as sweep:
        named = ...                         # those of sweep.found that some row names
        sweep.remove_all_but(named)

A crash in between leaves a file that nothing names, or a half one; the next sweep takes the first,
`clear_halves`, at the start, the second. Whoever copies rows and files copies the rows first.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from robotq.system.durable import replace_synced, sync_folder, write_durably

BLOCK = 1_048_576
"""Bytes that are read or written in one go."""

_NAME = re.compile(r"[0-9a-f]{64}")
_HALF = ".incoming-"


class RoomFull(Exception):
    """What is to be kept does not fit beside the rest."""

    def __init__(self, used: int, most: int) -> None:
        super().__init__(f"{used} of {most} bytes are used")
        self.used = used
        self.most = most


class NotAsKept(Exception):
    """A file is missing, or is not what was kept; its text says which."""


class Incoming:
    """A file on its way into a room."""

    def __init__(self, path: Path, stream: BinaryIO, reserve: Callable[[int], None]) -> None:
        self.path = path
        self.size = 0
        self._stream = stream
        self._reserve = reserve
        self._sha256 = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self._sha256.hexdigest()

    def write(self, block: bytes) -> None:
        """Raises RoomFull, OSError."""
        self._reserve(len(block))
        self.size += len(block)
        self._sha256.update(block)
        self._stream.write(block)

    def reading(self) -> BinaryIO:
        """What was written so far, from its beginning. Raises OSError."""
        self._stream.flush()
        return self.path.open("rb")

    def sync(self) -> None:
        """Raises OSError."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()

    def close(self) -> None:
        with suppress(OSError):
            # a full disk may refuse what is still to be written
            self._stream.close()


class Sweep:
    """Files that nobody had pinned when it began; see `FileRoom.sweeping`."""

    def __init__(self, room: FileRoom, found: Sequence[str]) -> None:
        self.found = found
        self.removed = 0
        self.bytes = 0
        self._room = room

    def remove_all_but(self, named: Collection[str]) -> None:
        """Raises OSError."""
        for sha256 in self.found:
            if sha256 not in named:
                size = self._room.remove_unless_pinned(sha256)
                if size is not None:
                    self.removed += 1
                    self.bytes += size


class FileRoom:
    """One folder of such files, with a bound for all of them together."""

    def __init__(self, folder: Path, most_bytes: Callable[[], int]) -> None:
        """Nothing is made before something is kept."""
        self.folder = folder
        self._most_bytes = most_bytes
        self._placing = threading.RLock()
        """Around what changes which files there are; taken before `_lock`, which is for moments."""
        self._lock = threading.Lock()
        self._pins: Counter[str] = Counter()
        self._lately: set[str] | None = None
        """Released since the sweep that is under way began."""
        self._used: int | None = None
        """Bytes of all that is kept; None: not looked yet."""
        self._coming = 0
        self._made: set[Path] = set()

    # -- in ------------------------------------------------------------------------------------

    @contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """A new file, in pieces. It is gone at the end of the block unless `keep` has kept it.
        Raises OSError."""
        self._make(self.folder)
        path = self.folder / f"{_HALF}{uuid.uuid4().hex}.tmp"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
        half = Incoming(path, os.fdopen(descriptor, "wb"), self._reserve)
        try:
            yield half
        finally:
            half.close()
            path.unlink(missing_ok=True)
            with self._lock:
                self._coming -= half.size

    def keep(self, half: Incoming, at: Callable[[], None] = lambda: None) -> str:
        """Give it its name, on disk and pinned when this returns; where the same content is there
        already, that stays. `at` is called when it is synced and has no name. Raises OSError."""
        half.sync()
        at()
        return self._kept(half.sha256, half.size, lambda file: replace_synced(half.path, file))

    def put(self, content: bytes) -> str:
        """The same for what is in memory. Raises RoomFull, OSError."""
        sha256, size = hashlib.sha256(content).hexdigest(), len(content)
        if not self.has(sha256, size):
            self._reserve(size)
        else:
            with self._lock:
                self._coming += size
        try:
            return self._kept(
                sha256,
                size,
                lambda file: write_durably(file, content, private=True, shared=True),
            )
        finally:
            with self._lock:
                self._coming -= size

    def pin(self, sha256: str) -> None:
        """No sweep takes it until it is released as often as it was pinned."""
        with self._lock:
            self._pins[sha256] += 1

    def release(self, sha256: str) -> None:
        with self._lock:
            self._pins[sha256] -= 1
            if self._pins[sha256] <= 0:
                del self._pins[sha256]
            if self._lately is not None:
                self._lately.add(sha256)

    # -- out -----------------------------------------------------------------------------------

    def path(self, sha256: str) -> Path:
        """Where it is, or would be. Raises ValueError for what is no SHA-256 in hexadecimal."""
        if not _NAME.fullmatch(sha256):
            raise ValueError(f"{sha256[:80]!r} is no SHA-256")
        return self.folder / sha256[:2] / sha256

    def has(self, sha256: str, size: int) -> bool:
        """Whether a file of this name and size is there."""
        try:
            return self.path(sha256).stat().st_size == size
        except OSError:
            return False

    def open(self, sha256: str) -> BinaryIO:
        """As it is. Raises NotAsKept where it is missing or cannot be read."""
        try:
            return self.path(sha256).open("rb")
        except FileNotFoundError:
            raise NotAsKept(f"{self.path(sha256)} is missing") from None
        except OSError as error:
            raise NotAsKept(f"{self.path(sha256)} cannot be read: {error.strerror}") from error

    def checked(self, sha256: str, look: Callable[[], None] = lambda: None) -> BinaryIO:
        """The same, after all of it was compared with its name. `look` is called every few
        milliseconds, and may raise. Raises NotAsKept."""
        stream = self.open(sha256)
        try:
            found = hashlib.sha256()
            while block := stream.read(BLOCK):
                look()
                found.update(block)
            if found.hexdigest() != sha256:
                raise NotAsKept(f"{self.path(sha256)} is not what was kept")
            stream.seek(0)
        except OSError as error:
            stream.close()
            raise NotAsKept(f"{self.path(sha256)} cannot be read: {error.strerror}") from error
        except BaseException:
            stream.close()
            raise
        return stream

    # -- what there is -------------------------------------------------------------------------

    def files(self) -> Iterator[tuple[str, int]]:
        """SHA-256 and size of each. Raises OSError."""
        for path in kept_in(self.folder):
            with suppress(FileNotFoundError):
                yield path.name, path.stat().st_size

    @property
    def used(self) -> int:
        """Bytes of all of them. Raises OSError."""
        with self._placing:
            if self._used is None:
                self._used = sum(size for _, size in self.files())
            return self._used

    def clear_halves(self) -> int:
        """Remove what a crash has left without a name: to be called before anything comes in.
        Raises OSError."""
        halves = list(self.folder.glob(f"{_HALF}*.tmp")) + list(self.folder.glob("??/.*.tmp"))
        for half in halves:
            half.unlink(missing_ok=True)
        return len(halves)

    @contextmanager
    def sweeping(self) -> Iterator[Sweep]:
        """One at a time. Raises OSError."""
        with self._lock:
            self._lately = set()
        try:
            yield Sweep(self, [sha256 for sha256, _ in self.files()])
        finally:
            with self._lock:
                self._lately = None

    def remove_unless_pinned(self, sha256: str) -> int | None:
        """Its size; None where it stays. Inside of `sweeping` only. Raises OSError."""
        path = self.path(sha256)
        with self._placing, self._lock:
            # the lock is held while it goes: who pins it later finds that it is gone
            if self._pins[sha256] or sha256 in (self._lately or ()):
                return None
            try:
                size = path.stat().st_size
                path.unlink()
            except FileNotFoundError:
                return None
            if self._used is not None:
                self._used -= size
            return size

    # -- inside --------------------------------------------------------------------------------

    def _kept(self, sha256: str, size: int, place: Callable[[Path], None]) -> str:
        file = self.path(sha256)
        self.pin(sha256)
        try:
            with self._placing:
                used, there = self.used, self._size(file)
                if there != size or not self._is_whole(sha256):
                    self._make(file.parent)
                    place(file)
                    self._used = used + size - (there or 0)
        except BaseException:
            self.release(sha256)
            raise
        return sha256

    def _is_whole(self, sha256: str) -> bool:
        """One that was damaged since is replaced by what comes now."""
        try:
            self.checked(sha256).close()
        except NotAsKept:
            return False
        return True

    def _size(self, file: Path) -> int | None:
        try:
            return file.stat().st_size
        except FileNotFoundError:
            return None

    def _reserve(self, size: int) -> None:
        """Raises RoomFull, OSError."""
        used, most = self.used, self._most_bytes()
        with self._lock:
            if used + self._coming + size > most:
                raise RoomFull(used, most)
            self._coming += size

    def _make(self, folder: Path) -> None:
        """A folder whose name is on disk, readable by its owner only."""
        if folder in self._made and folder.is_dir():
            return
        for one in (self.folder, folder):
            if not one.is_dir():
                one.mkdir(mode=0o700, parents=True, exist_ok=True)
                sync_folder(one.parent)
        self._made.add(folder)


_BINARY = getattr(os, "O_BINARY", 0)


def kept_in(folder: Path) -> Iterator[Path]:
    """The files that are kept in such a folder, whoever works on it. Raises OSError."""
    for path in folder.glob("??/*"):
        if _NAME.fullmatch(path.name) and path.parent.name == path.name[:2]:
            yield path
