"""Files that are still there, whole, after a power cut."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_durably(
    file: Path, content: bytes, *, private: bool = False, shared: bool = False
) -> None:
    """Give a file this content, whole and for good: see `replacing`. Raises OSError."""
    with replacing(file, private=private, shared=shared) as stream:
        stream.write(content)


@contextmanager
def replacing(file: Path, *, private: bool = False, shared: bool = False) -> Iterator[BinaryIO]:
    """What is written in the block takes the place of the file at its end, and is on disk then,
    name and all. Whoever reads meanwhile, and whoever looks after a power cut, finds all of it or
    what was there before; so it stays too where the block raises.

    `private`: nobody but the owner can read it, at no moment. `shared`: other processes may write
    the same file at the same time; the last one stays. Raises OSError.
    """
    half = _half(file, f"-{uuid.uuid4().hex}" if shared else "")
    try:
        with _new(half, private=private) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        replace_synced(half, file)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


def write_all_durably(files: Iterable[tuple[Path, bytes]]) -> None:
    """Give each of these files its content, in this order. Whoever reads meanwhile, and whoever
    looks after a power cut, finds all of a file or what was there before; all of them are on disk
    when this returns. A folder is synced once for all of its files. Raises OSError; then any of
    them may be there."""
    folders: dict[Path, None] = {}
    for file, content in files:
        half = _half(file)
        write_synced(half, content)
        half.replace(file)
        folders[file.parent] = None
    for folder in folders:
        sync_folder(folder)


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


def _half(file: Path, mark: str = "") -> Path:
    # hidden, so that nobody who looks for new files takes it
    return file.with_name(f".{file.name}{mark}.tmp")


def _new(half: Path, *, private: bool) -> BinaryIO:
    # what a killed process has left may be readable by others
    half.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(half, flags, 0o600 if private else 0o666), "wb")


def ends_in_a_line_cut_short(file: Path) -> bool:
    """Whether a file of lines ends without a line break: the kernel stops a write between two
    pages when its process is killed, and a full disk takes the part that fits. Whoever appends
    begins a new line first. Raises OSError."""
    with file.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - 1))
        return stream.read(1) not in (b"", b"\n")
