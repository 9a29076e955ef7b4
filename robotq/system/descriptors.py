"""File descriptors: as many as the system gives, and some that no client can take."""

from __future__ import annotations

import contextlib
import logging
import sys

if sys.platform != "win32":
    import resource

_log = logging.getLogger(__name__)

RESERVED = 192
"""Descriptors for the database, the robots, files, the log, and for connections that are accepted
in one turn before any other can be closed."""
_ENOUGH = 1 << 20


def raise_limit() -> None:
    """Take as many as are allowed: the usual limit of 1,024 is reached by a crowd that does
    nothing."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        _log.debug("open files: %d, raised from %d", wanted, soft)


def for_clients() -> int:
    """Connections that leave enough for everything else."""
    if sys.platform == "win32":
        return _ENOUGH
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _ENOUGH
    return max(soft - RESERVED, soft // 2)
