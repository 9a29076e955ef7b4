"""What the handlers of the orchestrator interface find on the application."""

from __future__ import annotations

import time
from collections import OrderedDict

from aiohttp import web

_CALLERS = 1_024
_MINUTE_S = 60.0


class RateLimit:
    """Counts the requests of each caller in every minute. Keeps the latest callers only."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def allows(self, caller: str, per_minute: int) -> bool:
        """Count a request; False where it is one too many."""
        now_s = time.monotonic()
        began_s, count = self._counts.pop(caller, (now_s, 0))
        if now_s - began_s >= _MINUTE_S:
            began_s, count = now_s, 0
        self._counts[caller] = (began_s, count + 1)
        if len(self._counts) > _CALLERS:
            self._counts.popitem(last=False)
        return count < per_minute


RATE_LIMIT = web.AppKey("orchestrator_rate_limit", RateLimit)
