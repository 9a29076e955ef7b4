"""What a campaign has seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Found:
    accepted: int = 0
    """Commands of robots."""
    repeated: int = 0
    """Answers to a submit that was sent once more, mostly at another door."""
    given_up: int = 0
    """Submits that no door answered for three minutes."""
    for_workers: int = 0
    """Accepted tasks of workers."""
    begun_by_workers: int = 0
    """How often a worker began one: after a lease has run out, another one begins it again."""
    weather: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    handed_over: int = 0
    """Commands that went from one machine of a robot to its other one."""
    decided: int = 0
    """Unknown outcomes that a person has decided."""
    violations: list[str] = field(default_factory=list)
    recovery_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By what had gone wrong: until each daemon answered and had the database. Not where the next
    thing went wrong before."""
    quiet_after_s: float = 0.0
    """From the end of the weather until nothing waited any more."""
