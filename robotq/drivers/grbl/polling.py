"""Asks for the state of the controller, with a budget of its own, and notices when it is dead."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from robotq.drivers.base import LinkLost
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.patience import Silence

_BUSY_S = 0.2
_IDLE_S = 1.0
_HURRY_S = 0.02


class Polling:
    """A thread that sends `?`: five times a second while a command runs, once while none does,
    and never while the controller homes, when many do not answer it.

    A controller that stays silent for `silence_s` is given up: its port may well be open.
    """

    def __init__(self, robot: str, channel: Channel, silence_s: float) -> None:
        self._channel = channel
        self._silence_s = silence_s
        self._wake = threading.Event()
        self._quiet = 0
        self._hurry = False
        self._closed = False
        self._busy = False
        """A command runs."""
        self._is_homing = False
        self._heard = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"{robot}-poll", daemon=True)
        self._thread.start()

    @contextmanager
    def following(self) -> Iterator[None]:
        """Inside, a command runs."""
        self._busy = True
        # a pause of up to a second is under way
        self._wake.set()
        try:
            yield
        finally:
            self._busy = False

    @property
    def is_homing(self) -> bool:
        return self._is_homing

    def hurry(self, on: bool) -> None:
        """Ask as often as is useful: somebody waits for a state."""
        self._hurry = on
        if on:
            self._wake.set()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Inside, nothing is asked, and silence means nothing."""
        self._quiet += 1
        try:
            yield
        finally:
            self._heard = time.monotonic()
            self._quiet -= 1

    @contextmanager
    def homing(self) -> Iterator[None]:
        """Inside, the controller homes."""
        greeting = self._channel.greeting
        self._is_homing = True
        try:
            if greeting is not None and greeting.hal:
                yield
            else:
                with self.silent():
                    yield
        finally:
            self._is_homing = False

    def close(self) -> None:
        self._closed = True
        self._wake.set()

    def _run(self) -> None:
        channel = self._channel
        statuses = -1
        silence = Silence()
        while not self._closed:
            pause = _HURRY_S if self._hurry else _BUSY_S if self._busy else _IDLE_S
            self._wake.wait(pause)
            self._wake.clear()
            if channel.lost is not None or self._quiet:
                continue
            now = time.monotonic()
            if channel.statuses != statuses:
                statuses = channel.statuses
                self._heard = now
                self._ask()
            elif (
                silence.since(max(self._heard, channel.transport.last_received), pause)
                > self._silence_s
            ):
                channel.transport.lose(f"the controller has said nothing for {self._silence_s:g} s")
            elif now - self._asked > _BUSY_S:
                # the last one may have got lost
                self._ask()

    _asked = 0.0

    def _ask(self) -> None:
        self._asked = time.monotonic()
        try:
            self._channel.at_once(b"?")
        except LinkLost:
            # told by the transport already
            return
