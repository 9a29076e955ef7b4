"""Which scanner it is: asked at each connection, before anything counts as a code."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from robotq.drivers.base import LinkLost
from robotq.drivers.scanner.options import WhoOptions

_ANSWER_S = 2.0
"""How long it may take to begin to say who it is, and to end."""
_LONGEST_ANSWER = 4_096
_SHOWN = 80


class Who:
    """Without options it asks nothing, and any scanner is the right one."""

    def __init__(
        self, options: WhoOptions | None, gap_s: float, changed: threading.Condition
    ) -> None:
        """`changed`: is told of all that comes, and guards it."""
        self._options = options
        self._gap_s = gap_s
        self._changed = changed
        self._answer: bytearray | None = None
        """What it says of itself, while it is asked."""
        self.identity = None if options is None else options.identity

    def expect(self) -> None:
        """What comes from now on is the answer."""
        with self._changed:
            self._answer = None if self._options is None else bytearray()

    def over(self) -> None:
        with self._changed:
            self._answer = None

    def heard(self, data: bytes) -> bool:
        """Whether these bytes belong to the answer. With `changed` in hand."""
        if self._answer is None:
            return False
        if len(self._answer) < _LONGEST_ANSWER:
            self._answer += data
        return True

    def compare(self, write: Callable[[bytes], None], where: str) -> None:
        """Ask it. Raises LinkLost where it is another one, or does not say."""
        options = self._options
        if options is None:
            return
        write(options.ask)
        heard = self._until_quiet()
        match = options.says.search(heard)
        if match is None:
            said = f"it says {_shown(heard)}" if heard else "it says nothing"
            raise LinkLost(f"{where}: asked who it is, {said}")
        whole: bytes = match[0]
        found = ((match[1] if match.re.groups else None) or whole).decode("latin-1").strip()
        if self.identity is None:
            self.identity = found
        elif found != self.identity:
            raise LinkLost(
                f"{where}: another scanner is there: it says {found[:_SHOWN]!a}, expected "
                f"{self.identity!a}"
            )

    def _until_quiet(self) -> bytes:
        """Half an answer may be another one."""
        deadline = time.monotonic() + _ANSWER_S
        heard = b""
        with self._changed:
            while (left := deadline - time.monotonic()) > 0:
                more = self._changed.wait(min(left, self._gap_s) if heard else left)
                heard = bytes(self._answer or b"")
                if heard and not more:
                    break
        return heard


def _shown(data: bytes) -> str:
    return ascii(data[:_SHOWN].decode("latin-1"))
