"""What a daemon says on standard output while its log is written to the same terminal or file."""

from __future__ import annotations

import sys


def tell(*lines: str) -> None:
    """Print the lines at once.

    `print` hands each piece and each end of a line over by itself, and where Python does not
    buffer (PYTHONUNBUFFERED, as in containers) a line of the log came between them.
    """
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
