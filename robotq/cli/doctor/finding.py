"""What a check of `robotq doctor` says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"
    """Works, and could be better."""
    BAD = "bad"
    """Keeps robotq from working as promised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found."""

    what: str
    verdict: Verdict
    found: str
    mend: str = ""
    """What to do about it; empty where all is well."""
