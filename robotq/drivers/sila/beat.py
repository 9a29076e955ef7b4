"""Looks again and again whether a server is there."""

from __future__ import annotations

import threading
from collections.abc import Callable

from robotq.drivers.base import LinkLost
from robotq.drivers.sila.server import Server

_BEAT_S = 2.0
"""Between two looks."""
_THERE_S = 5.0
"""Wall seconds in which it has to say so."""


class Beat:
    """Over one connection: from `start` until `end`, or until the server is not there."""

    def __init__(self, robot: str, server: Server, on_lost: Callable[[str], None]) -> None:
        self._server = server
        self._on_lost = on_lost
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{robot}-beat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """From any thread, its own too."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(_BEAT_S):
            try:
                self._server.is_there(_THERE_S)
            except (LinkLost, ValueError) as error:
                self._on_lost(str(error))
                return
