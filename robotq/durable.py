"""Files that are still there, whole, after a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def write_synced(file: Path, content: bytes) -> None:
    """What is in the file is on disk when this returns; its name may not be. Raises OSError."""
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def replace_synced(half: Path, file: Path) -> None:
    """Give a file that was written and synced its name, which is on disk when this returns. Raises
    OSError."""
    half.replace(file)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Names that were given and taken in this folder are on disk when this returns. Raises
    OSError."""
    if os.name == "nt":
        # a folder cannot be opened there; the file system journals its names
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
