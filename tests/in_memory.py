"""Where the folders of tests are: in memory, where the system has plenty of room for files there.

A default run writes and syncs tens of thousands of small files, and throws them away. What is lost
in a power cut is tried by `tests/crash` with a disk of its own making, so nothing depends on it.
Long tests stay on the disk: some write gigabytes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_ROOT = "PYTEST_DEBUG_TEMPROOT"
"""The variable in which pytest looks for it."""
_SHARED_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30


def keep_folders_in_memory(where: Path = _SHARED_MEMORY) -> None:
    """Unless somebody has said where they shall be."""
    if _ROOT not in os.environ and "TMPDIR" not in os.environ and fits(where):
        os.environ[_ROOT] = str(where)


def fits(where: Path) -> bool:
    """Tests may write there, and run what they write."""
    return (
        os.access(where, os.W_OK)
        and not os.statvfs(where).f_flag & os.ST_NOEXEC
        and shutil.disk_usage(where).free > _ROOM
    )
