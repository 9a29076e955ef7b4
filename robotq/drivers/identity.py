"""Whether the robot at the other end is the one that is meant: what it says of itself is compared
each time when a link is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from robotq.drivers.base import LinkLost, WrongDevice


@dataclass(frozen=True, slots=True, kw_only=True)
class Self:
    """What a device says of itself."""

    names: tuple[str, ...] = ()
    """What `identity` in the configuration may be."""
    whole: str = ""
    """All that tells it from others, as it is shown; empty where nothing does."""


class Recognition:
    """One robot, for as long as its driver lives."""

    def __init__(self, wanted: str | None, advice: str) -> None:
        """`wanted`: the option `identity`. `advice`: how a device without a name gets one."""
        self._wanted = wanted
        self._advice = advice
        self._first: str | None = None
        """What it said at the first connection."""
        self._refused: str | None = None

    @property
    def needed(self) -> bool:
        """There is something to compare with."""
        return self._wanted is not None or self._first is not None

    def look(self, ask: Callable[[], Self], *, once: bool = False) -> None:
        """Compare. What does not fit, or is to be remembered, is asked a second time: the wire
        may have changed it; not with `once`.

        Raises WrongDevice, LinkLost.
        """
        told = ask()
        if self._fits(told) and (self._first is not None or not told.whole):
            self._refused = None
            return
        if not once and ask() != told:
            raise LinkLost("what it says of itself comes another way each time: look at the cable")
        if not self._fits(told):
            raise self._wrong(told)
        self._first, self._refused = told.whole, None

    def accept(self) -> None:
        """A person has seen what was refused, and takes it. What the configuration wants stays
        wanted."""
        if self._refused is not None:
            self._first, self._refused = self._refused, None

    def _fits(self, told: Self) -> bool:
        if self._wanted is not None and self._wanted not in told.names:
            return False
        # who says nothing of itself after it has said something may be anybody
        return self._first is None or told.whole == self._first

    def _wrong(self, told: Self) -> WrongDevice:
        found = f'"{told.whole}"' if told.whole else "nothing of itself"
        if self._wanted is not None and self._wanted not in told.names:
            hint = "" if any(told.names) else f". {self._advice}"
            return WrongDevice(
                f'it is another machine: it says {found}, identity is "{self._wanted}"{hint}',
                found=told.whole,
                expected=self._wanted,
            )
        self._refused = told.whole
        return WrongDevice(
            f"it may be another machine: it says {found}, at the first connection it said "
            f'"{self._first}". If it is the same one with new firmware, take it by an emergency '
            "stop and its reset, or restart robotq",
            found=told.whole,
            expected=self._first or "",
        )
