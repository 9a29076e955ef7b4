"""What a key allows its holder to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from fnmatch import fnmatchcase


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
    AGENT = "agent"
    """The same as submit, for a program that decides by itself: commands whose spec says so
    wait for a person's approval."""
    CONTROL = "control"
    """Pause and resume queues, resolve outcomes, hold and reset robots."""
    ADMIN = "admin"
    """Everything, and change the configuration."""
    WORKER = "worker"
    """Take the tasks of some queue and answer them; of which one, the handler asks."""


GRANTED = (Scope.READ, Scope.SUBMIT, Scope.AGENT, Scope.CONTROL, Scope.ADMIN)
"""The scopes that a key can have, besides `worker:<queue>`."""

_WORKER = re.compile(r"worker:[A-Za-z0-9_.*-]{1,64}")


def is_scope(text: str) -> bool:
    """Whether a key can have this scope."""
    return text in GRANTED or _WORKER.fullmatch(text) is not None


def worker_scope(queue: str) -> str:
    """What a key needs to take tasks of this queue."""
    return f"worker:{queue}"


def allows(granted: Iterable[str], needed: str) -> bool:
    """Whether a key with the scopes `granted` may do what asks for `needed`."""
    if needed in (Scope.OPEN, Scope.ANY):
        return True
    if Scope.ADMIN in granted or needed in granted:
        return True
    if needed == Scope.SUBMIT and Scope.AGENT in granted:
        return True
    if needed == Scope.WORKER:
        return any(_WORKER.fullmatch(scope) for scope in granted)
    # `worker:*` is every queue
    return needed.startswith("worker:") and any(fnmatchcase(needed, scope) for scope in granted)
