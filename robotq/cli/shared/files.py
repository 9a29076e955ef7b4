"""Files that are named on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

from robotq.cli.shared.failure import ExitCode, Failure


def read_file(file: Path) -> bytes:
    """Raises Failure."""
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror}", ExitCode.USAGE) from error
