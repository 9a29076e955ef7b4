"""Which keyboard a scanner is."""

from __future__ import annotations

from dataclasses import dataclass

KEYBOARDS = ("us", "de")
"""Countries that a scanner can be set to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HidOptions:
    device: str
    """A file, or a pattern that one file fits."""
    keyboard: str = "us"
    shift: str = "each"
    """Whether it lets Shift go after each letter, or holds it for several."""
