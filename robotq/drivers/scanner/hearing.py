"""Whose code it is that comes, and what is nobody's. Knows no port and no clock of its own.

Everything between two pauses is one burst. A burst belongs to the read that was under way when
its first byte came; all others are dropped, and the log says so. What is no code may be half of
one, so what begins to come soon after it is nobody's either.
"""

from __future__ import annotations

from collections.abc import Callable

from robotq.drivers.scanner.codes import MOST_BYTES, NotACode, code_in
from robotq.drivers.scanner.options import ScannerOptions

_SHOWN = 40
_TELL_S = 5.0
"""Dropped codes are told no more often: some scanners send ten a second."""


class Read:
    """One read that is under way."""

    def __init__(self) -> None:
        self.over = False
        self.code: str | None = None
        self.refused: str | None = None
        self.broken = False
        """The link broke meanwhile: what comes after that may be the rest of a code."""
        self.trigger_at: float | None = None
        """When to trigger once more, since the answer was a repetition."""


class Hearing:
    """Not to be used by two threads at once: its owner has a lock. Every `now` is of one clock."""

    def __init__(self, options: ScannerOptions, warn: Callable[[str], None]) -> None:
        self._options = options
        self._warn = warn
        self._burst = bytearray()
        self._burst_of: Read | None = None
        self._doubt: str | None = None
        """Why the burst is no code, whatever it looks like."""
        self._now: Read | None = None
        """The read that is under way."""
        self._given: str | None = None
        """The code that was given last."""
        self._given_seen_at = float("-inf")
        self._nobody_until = float("-inf")
        self._told_at = float("-inf")
        self._untold = 0
        self.heard_at = 0.0

    # -- reads ---------------------------------------------------------------------------------

    def free_in(self, now: float) -> float | None:
        """Seconds until a read may begin; None: first the burst has to end."""
        return None if self._burst else max(0.0, self._nobody_until - now)

    def begin(self, read: Read) -> None:
        self._now = read

    def begun(self, read: Read) -> bool:
        """Whether something for this read has begun to come."""
        return self._burst_of is read and bool(self._burst)

    def end(self, read: Read, now: float) -> None:
        self._now = None
        if read.code is None:
            self._nobody_for_now(now)

    # -- what comes ----------------------------------------------------------------------------

    def heard(self, data: bytes, now: float) -> None:
        if not self._burst:
            self._burst_of = self._now
        if len(self._burst) <= MOST_BYTES:
            self._burst += data
        self.heard_at = now

    def doubt(self, reason: str, now: float) -> None:
        """Whatever comes in this burst may be another code."""
        self.heard(b"" if self._burst else b"\0", now)
        self._doubt = self._doubt or reason

    def pause_in(self, now: float) -> float | None:
        """Seconds until the burst ends if no more comes; None where none has begun."""
        return self.heard_at + self._options.gap_s - now if self._burst else None

    def forget(self, now: float) -> None:
        """The link broke, or was made: the other half of a code may come."""
        self._burst.clear()
        self._doubt = None
        if self._now is not None:
            self._now.over = self._now.broken = True
            self._now = None
        self._nobody_for_now(now)

    def cut(self, now: float) -> None:
        """The pause has come: take what was sent before it."""
        burst, read = bytes(self._burst), self._burst_of
        doubt, self._doubt = self._doubt, None
        self._burst.clear()
        if not burst:
            # the link broke in this moment
            return
        mine = read is not None and read is self._now and not read.over
        options = self._options
        try:
            if len(burst) > MOST_BYTES:
                raise NotACode(f"it sent more than {MOST_BYTES} bytes without a pause")
            if doubt is not None:
                raise NotACode(f"{doubt} ({burst[:_SHOWN]!r})")
            code = code_in(burst, options.code)
        except NotACode as error:
            self._nobody_for_now(now)
            if mine and read is not None:
                read.over, read.refused = True, str(error)
            else:
                self._tell(f"dropped what came while no read was under way: {error}", now)
            return
        if code is None and not any(burst.strip(b"\r\n")):
            return
        again = code is not None and code == self._given and self._seen_again(now)
        if read is None or not mine:
            self._tell(f"dropped a code that came while no read was under way: {code!a:.80}", now)
        elif again:
            self._tell(
                f"the code before was read again, and is not taken for another: {code!a:.80}", now
            )
            if options.trigger:
                read.trigger_at = now + options.not_again_s
        elif code is not None:
            read.over, read.code = True, code
            self._given, self._given_seen_at = code, now
        elif options.trigger:
            # it says that it read nothing, and tries no more
            read.over = True

    def _nobody_for_now(self, now: float) -> None:
        self._nobody_until = now + self._options.late_s

    def _seen_again(self, now: float) -> bool:
        before, self._given_seen_at = self._given_seen_at, now
        return now - before < self._options.not_again_s

    def _tell(self, text: str, now: float) -> None:
        if now - self._told_at < _TELL_S:
            self._untold += 1
            return
        more = f" ({self._untold} more like it before)" if self._untold else ""
        self._told_at, self._untold = now, 0
        self._warn(f"{text}{more}")
