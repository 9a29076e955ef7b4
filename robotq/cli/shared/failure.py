"""How the robotq command ends."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What every robotq command tells its caller; the one place where that is decided."""

    OK = 0
    """What was asked for was done."""
    FAILED = 1
    """It was not: a command failed, the daemon refused, the port is taken, the disk fails."""
    USAGE = 2
    """The command line or the configuration is wrong; nothing was done."""
    NO_DAEMON = 3
    """No daemon answers at the address."""
    UNFINISHED = 4
    """A wait ended before the task did; the task goes on."""
    INTERRUPTED = 130
    """Ctrl-C, or a second signal while the daemon was stopping."""


class Failure(Exception):
    """An expected problem: one clear line for the user, and the exit code."""

    def __init__(
        self,
        message: str,
        code: ExitCode = ExitCode.FAILED,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.body = body or {}
        """What the daemon answered, where it refused."""

    @property
    def error_code(self) -> str | None:
        """The stable name of why it refused."""
        return self.body.get("error_code")


def odd_bytes(shown: str) -> str:
    """What to tell of an argument with bytes that are no UTF-8."""
    return (
        f"{shown[:200]}: an argument of the command line is no UTF-8 text; is the terminal set to "
        "another encoding?"
    )
