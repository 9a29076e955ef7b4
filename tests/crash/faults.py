"""A disk that fails under the real daemon, and a clock that is set: faults.c, and who orders it."""

from __future__ import annotations

import asyncio
import atexit
import errno
import functools
import mmap
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntFlag
from pathlib import Path
from random import Random
from struct import Struct

SOURCE = Path(__file__).with_name("faults.c")
_WORKS_S = 0.2
_FAILS_S = 1.5
"""Wall seconds at most, and a little more than a daemon takes to find out that it is back."""

_ORDER = Struct("=6i")
"""`struct order` of faults.c."""


class Calls(IntFlag):
    """The calls of the operating system that a fault makes fail."""

    WRITE = 1
    SYNC = 2
    OPEN = 4
    HANG = 8
    """Not to fail: syncs do not return until the fault is over; with READ, reads neither."""
    READ = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A way in which a disk fails."""

    calls: Calls
    error: int
    spared: int = 0
    """Calls that go through before the first one fails: a commit makes several."""
    torn: bool = False
    """What is written when it fails is written in part."""


FAULTS: Mapping[str, Fault] = {
    "write": Fault(calls=Calls.WRITE, error=errno.EIO),
    "write_torn": Fault(calls=Calls.WRITE, error=errno.EIO, torn=True),
    "full": Fault(calls=Calls.WRITE, error=errno.ENOSPC),
    "full_torn": Fault(calls=Calls.WRITE, error=errno.ENOSPC, torn=True, spared=2),
    "sync": Fault(calls=Calls.SYNC, error=errno.EIO),
    # a store that has had an error opens its file again, and cannot
    "open": Fault(calls=Calls.WRITE | Calls.OPEN, error=errno.EIO),
    "read_only": Fault(calls=Calls.WRITE | Calls.SYNC | Calls.OPEN, error=errno.EROFS),
}


HANGS = Fault(calls=Calls.HANG, error=0)
"""A disk that does not answer, e.g. a frozen file system. In no campaign: nothing is refused by
it, and every round would take its time."""


UNREADABLE = Fault(calls=Calls.READ, error=errno.EIO)
"""A disk that cannot be read. In no campaign: the judge wants every write to come to an end."""

READS_HANG = Fault(calls=Calls.READ | Calls.HANG, error=0)
"""A disk that does not answer questions either."""


class Faults:
    """The orders to the daemons that are started with `environ`."""

    def __init__(self, folder: Path) -> None:
        path = folder / "faults"
        path.write_bytes(bytes(_ORDER.size))
        with path.open("r+b") as file:
            self._order = mmap.mmap(file.fileno(), _ORDER.size)
        self.environ = {"LD_PRELOAD": str(library()), "FAULTS": str(path)}
        self._clock_s = 0

    @property
    def met(self) -> int:
        """Calls that have failed since the fault began."""
        return int(_ORDER.unpack(self._order)[4])

    def begin(self, fault: Fault) -> None:
        self._write(fault.calls, fault.error, fault.spared, fault.torn)

    def end(self) -> None:
        """The disk works again."""
        self._write(0, 0, 0, False)

    async def come_and_go(self, random: Random) -> None:
        """For ever: the disk works for a while, then fails in one way or another."""
        while True:
            await asyncio.sleep(random.expovariate(1 / _WORKS_S))
            fault = random.choice(list(FAULTS.values()))
            self.begin(replace(fault, spared=random.randrange(8)))
            await asyncio.sleep(random.uniform(0, _FAILS_S))
            self.end()

    def set_clock(self, wrong_by_s: int) -> None:
        """Set the time of day wrong; the other clocks of the machine go on. Ends any fault."""
        self._clock_s = wrong_by_s
        self.end()

    def _write(self, calls: int, error: int, spared: int, torn: bool) -> None:
        # the calls last: what they are to do is there before they do it
        self._order[4:] = _ORDER.pack(0, error, spared, torn, 0, self._clock_s)[4:]
        self._order[:4] = _ORDER.pack(calls, 0, 0, 0, 0, 0)[:4]


def possible() -> bool:
    """Whether this machine can put something between a process and its disk."""
    return sys.platform == "linux" and shutil.which("cc") is not None


@functools.cache
def library() -> Path:
    """faults.c as a shared library, compiled once for this process."""
    folder = Path(tempfile.mkdtemp(prefix="robotq-faults-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = folder / "faults.so"
    command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(made), str(SOURCE)]
    subprocess.run([*command, "-ldl"], check=True)
    return made
