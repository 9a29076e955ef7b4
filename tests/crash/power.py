"""A disk after a power cut: what was synced is there, and of the rest any part.

`trace.c` records every write and sync of a daemon. From that, `Trace.image` makes the folder as a
disk may hold it when the power goes at one record: whatever was synced by then is kept, and each
write that was not is kept whole, in part by sectors, or lost.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from struct import Struct

SOURCE = Path(__file__).with_name("trace.c")
SECTOR = 512
"""Bytes that a disk writes whole or not at all."""

_HEAD = Struct("=IIQQ")

Keeps = Callable[[int, int], bool]
"""Whether the unsynced write of this record is kept, for each of its sectors."""


def possible() -> bool:
    return sys.platform == "linux" and shutil.which("cc") is not None


@functools.cache
def library() -> Path:
    """trace.c as a shared library, compiled once for this process."""
    folder = Path(tempfile.mkdtemp(prefix="robotq-trace-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = folder / "trace.so"
    command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(made), str(SOURCE)]
    subprocess.run([*command, "-ldl", "-lpthread"], check=True)
    return made


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that the daemon asked of its disk."""

    kind: str
    path: str
    more: bytes
    at: int
    end: int
    """Bytes of the trace up to here, this record included."""


@dataclass(slots=True)
class Trace:
    """Everything that a daemon asked of the files in `folder`."""

    folder: Path
    before: Mapping[str, bytes] = field(default_factory=dict)
    """Files that others have put there, safely."""
    records: list[Record] = field(default_factory=list)
    _synced: list[int] = field(default_factory=list)
    """For each record the one whose completion makes it safe; past the end if there is none."""

    @classmethod
    def read(cls, path: Path, folder: Path, before: Mapping[str, bytes] | None = None) -> Trace:
        trace = cls(folder=folder, before=before or {})
        content = path.read_bytes()
        position = 0
        while position < len(content):
            kind, of_path, of_more, at = _HEAD.unpack_from(content, position)
            position += _HEAD.size
            name = content[position : position + of_path].decode()
            more = content[position + of_path : position + of_path + of_more]
            position += of_path + of_more
            if not name.endswith("-shm"):
                trace.records.append(Record(chr(kind), name, more, at, position))
        trace._find_syncs()
        return trace

    def _find_syncs(self) -> None:
        never = len(self.records)
        self._synced = [never] * never
        waiting: dict[str, list[int]] = {}
        begun: dict[str, list[list[int]]] = {}
        for number, record in enumerate(self.records):
            match record.kind:
                case "b":
                    begun.setdefault(record.path, []).append(waiting.pop(record.path, []))
                case "s":
                    for one in begun[record.path].pop(0):
                        self._synced[one] = number
                case "r" | "u":
                    # the name is safe when its folder is
                    waiting.setdefault(str(Path(record.path).parent), []).append(number)
                case _:
                    waiting.setdefault(record.path, []).append(number)

    def at(self, size: int) -> int:
        """How many records there were when the trace had `size` bytes."""
        return bisect_left(self.records, size + 1, key=lambda record: record.end)

    def unsynced(self, cut: int) -> list[int]:
        """The records before `cut` that a power cut there may lose."""
        return [
            number
            for number in range(cut)
            if self.records[number].kind not in "bs" and self._synced[number] >= cut
        ]

    def image(self, cut: int, to: Path, keeps: Keeps) -> None:
        """The folder as the disk may hold it when the power goes after `cut` records."""
        files = {path: bytearray(content) for path, content in self.before.items()}
        may_go = set(self.unsynced(cut))
        for number in range(cut):
            record = self.records[number]
            lost = number in may_go
            match record.kind:
                case "w":
                    content = files.setdefault(record.path, bytearray())
                    _write(content, record, functools.partial(keeps, number) if lost else None)
                case "t" if not lost or keeps(number, 0):
                    content = files.setdefault(record.path, bytearray())
                    _resize(content, record.at)
                case "r" if not lost or keeps(number, 0):
                    if record.path in files:
                        files[record.more.decode()] = files.pop(record.path)
                case "u" if not lost or keeps(number, 0):
                    files.pop(record.path, None)
                case _:
                    pass
        for path, content in files.items():
            target = to / Path(path).relative_to(self.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def _resize(content: bytearray, size: int) -> None:
    del content[size:]
    content.extend(bytes(size - len(content)))


def _write(content: bytearray, record: Record, kept: Callable[[int], bool] | None) -> None:
    end = record.at + len(record.more)
    if kept is None:
        _resize(content, max(len(content), end))
        content[record.at : end] = record.more
        return
    for sector in range(record.at // SECTOR, -(-end // SECTOR)):
        if not kept(sector):
            continue
        first, last = max(record.at, sector * SECTOR), min(end, (sector + 1) * SECTOR)
        _resize(content, max(len(content), last))
        content[first:last] = record.more[first - record.at : last - record.at]


def subsets(unsynced: list[int], random: Random, number: int) -> Iterator[Keeps]:
    """Nothing is kept, everything, all but one, only one, and `number` others by sectors."""
    yield lambda _record, _sector: False
    yield lambda _record, _sector: True
    for one in unsynced[-8:]:
        yield lambda record, _sector, one=one: record != one  # type: ignore[misc]
        yield lambda record, _sector, one=one: record == one  # type: ignore[misc]
    for _ in range(number):
        seed, share = random.getrandbits(32), random.random()

        def by_sector(record: int, sector: int, seed: int = seed, share: float = share) -> bool:
            return Random(f"{seed} {record} {sector}").random() < share

        yield by_sector
