"""How many WebSockets may send something large at the same time."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from robotq.system.rarely import Rarely

_log = logging.getLogger(__name__)

_PATIENCE_S = 60.0
"""Wall seconds in which something large has to arrive where others wait to send theirs."""


class Sender(Protocol):
    """A connection that has something large to send."""

    def go_on(self) -> None:
        """It is its turn."""

    def cut(self) -> None:
        """End it at once."""


class Share:
    """The memory for large messages: so many at once, the others wait, in the order in which
    they have asked. Nothing is read from who waits, so it waits too.

    Who has a turn and does not use it, while others wait, is cut off.
    """

    def __init__(self, at_once: Callable[[], int], patience_s: float = _PATIENCE_S) -> None:
        self._at_once = at_once
        self._patience_s = patience_s
        self._having: dict[Sender, asyncio.TimerHandle | None] = {}
        self._waiting: OrderedDict[Sender, None] = OrderedDict()
        self._rarely = Rarely(_log)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def ask(self, sender: Sender) -> bool:
        """Whether it is its turn; else its `go_on` is called when it is."""
        if sender in self._having:
            return True
        if len(self._having) < self._at_once() and not self._waiting:
            self._give(sender)
            return True
        self._waiting[sender] = None
        return False

    def arrived(self, sender: Sender) -> None:
        """All of it is here; it has its turn until it is dealt with."""
        timer = self._having.get(sender)
        if timer is not None:
            timer.cancel()
            self._having[sender] = None

    def done(self, sender: Sender) -> None:
        """It needs no turn any more, or has gone."""
        self._waiting.pop(sender, None)
        if sender in self._having:
            self.arrived(sender)
            del self._having[sender]
        while self._waiting and len(self._having) < self._at_once():
            following, _ = self._waiting.popitem(last=False)
            self._give(following)
            following.go_on()

    def _give(self, sender: Sender) -> None:
        self._having[sender] = self._timer(sender)

    def _timer(self, sender: Sender) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._patience_s, self._late, sender)

    def _late(self, sender: Sender) -> None:
        if not self._waiting:
            self._having[sender] = self._timer(sender)
            return
        self._rarely.warning(
            "a worker is cut off: its message did not arrive within %g s, and %d wait to send "
            "theirs",
            self._patience_s,
            len(self._waiting),
        )
        sender.cut()
        self.done(sender)
