"""The log of the daemon: one line per record, on standard error."""

from __future__ import annotations

import logging


def log_to_stderr(level: str) -> None:
    """Log everything from `level` (debug, info, warning, error) up."""
    logging.basicConfig(
        level=level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
