"""Sees whether the device is there while it says nothing."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from robotq.drivers.base import LinkLost
from robotq.drivers.jsonline.options import JsonlineOptions
from robotq.drivers.jsonline.run import Run
from robotq.drivers.patience import Silence

_log = logging.getLogger(__name__)

_LOOK_S = 0.1


class Watched(Protocol):
    """The link."""

    options: JsonlineOptions
    run: Run | None

    @property
    def up(self) -> bool: ...

    @property
    def heard_at(self) -> float: ...

    def ask_status(self) -> object:
        """Raises LinkLost."""

    def lose(self, reason: str) -> None: ...


class Watch:
    """A thread of its own from `start` until `end`."""

    def __init__(self, robot: str, link: Watched) -> None:
        self._robot = robot
        self._link = link
        self._silence = Silence()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Does nothing where it has been started."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name=f"{self._robot}-watch", daemon=True
            )
            self._thread.start()

    def end(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        link = self._link
        while not self._ended.wait(_LOOK_S):
            run = link.run
            if run is not None:
                run.look_at_question()
            if link.up:
                self._look_at(self._silence.since(link.heard_at, _LOOK_S))

    def _look_at(self, silent_s: float) -> None:
        link = self._link
        if silent_s > link.options.silence_s:
            link.lose(f"the device has said nothing for {silent_s:.1f} s")
        elif silent_s > link.options.heartbeat_s:
            try:
                link.ask_status()
            except LinkLost as error:
                _log.debug("%s: %s", self._robot, error)
