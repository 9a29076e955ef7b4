"""What a key allows its holder to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum


class Scope(StrEnum):
    """What a route asks of whoever calls it."""

    OPEN = "open"
    """Nothing: works without a key, also where keys exist."""
    ANY = "any"
    """Any valid key: stopping is everybody's right."""
    READ = "read"
    """Look at tasks, queues, robots, events."""
    SUBMIT = "submit"
    """Hand in commands, answer their questions, call them off, run them again."""
    CONTROL = "control"
    """Pause and resume queues, resolve outcomes, hold and reset robots."""
    ADMIN = "admin"
    """Everything, and change the configuration."""


GRANTED = (Scope.READ, Scope.SUBMIT, Scope.CONTROL, Scope.ADMIN)
"""The scopes that a key can have, besides `worker:<queue>`."""

_WORKER = re.compile(r"worker:[A-Za-z0-9_.*-]{1,64}")


def is_scope(text: str) -> bool:
    """Whether a key can have this scope."""
    return text in GRANTED or _WORKER.fullmatch(text) is not None


def allows(granted: Iterable[str], needed: str) -> bool:
    """Whether a key with the scopes `granted` may do what asks for `needed`."""
    if needed in (Scope.OPEN, Scope.ANY):
        return True
    return Scope.ADMIN in granted or needed in granted
