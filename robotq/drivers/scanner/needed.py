"""Waits for a scanner that a command needs and that is not there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from robotq.drivers.base import DriverError

REOPEN_S = 1.0
LOOK_S = 0.1


def until_there(
    need: Callable[[], None],
    ready: Callable[[], bool],
    changed: threading.Condition,
    *,
    wait_s: float,
    given_up: Callable[[], bool],
    warn: Callable[[str], None],
) -> None:
    """Returns when `need` does, or when nobody wants it any more. Raises what `need` raises,
    DriverError scanner_absent, when `wait_s` are over. `changed` is told when it may be there."""
    deadline = time.monotonic() + wait_s
    told = False
    while True:
        try:
            return need()
        except DriverError as error:
            if time.monotonic() >= deadline:
                raise
            if not told:
                warn(f"a command waits for it: {error}")
            told = True
        again_at = time.monotonic() + REOPEN_S
        while not ready() and (left := min(again_at, deadline) - time.monotonic()) > 0:
            if given_up():
                return None
            with changed:
                changed.wait(min(LOOK_S, left))
