"""A connection of its own that sees whether the PLC is there, and shows it that robotq is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from robotq.drivers.base import LinkLost
from robotq.drivers.plc.handshakes.standing import Standing
from robotq.drivers.plc.pattern import Plc, Refused
from robotq.drivers.plc.ready import ReadyStation
from robotq.model.carried.live_value import LONGEST_UNIT, LiveValue, LiveValues

_TURN_S = 0.2
_SHOW_S = 1.0
"""Between two looks at what is shown."""
_STAND_S = 0.5
"""Between two looks at why nothing begins."""


class Watch:
    """From `start` until `end`, or until the link is lost."""

    def __init__(
        self, plc: Plc, ready: ReadyStation, standing: Standing, on_lost: Callable[[str], None]
    ) -> None:
        self._plc = plc
        self._ready = ready
        self._standing = standing
        self._on_lost = on_lost
        self.seen: tuple[float, Mapping[str, Any]] | None = None
        """When those that are shown were read last, by the monotonic clock, and by name of the node
        what was read."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="robotq-plc-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended.set()

    def join(self) -> None:
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(self._ready.written.answer_s * 2)

    def values(self) -> LiveValues:
        """What is shown of the nodes, as it was read a moment ago."""
        if self.seen is None:
            return {}
        read_at, seen = self.seen
        age_s = max(0.0, time.monotonic() - read_at)
        written = self._ready.written.shows
        return {
            name: LiveValue(
                value=float(seen[node]),
                unit=self._ready.nodes[node].written.unit[:LONGEST_UNIT],
                normal=None if (normal := written[name].normal) is None else (normal[0], normal[1]),
                age_s=age_s,
            )
            for name, node in self._ready.shows.items()
        }

    def _run(self) -> None:
        try:
            self._watch()
        except LinkLost as error:
            reason = str(error)
        except Refused as error:
            reason = f"the watchdog cannot be written: {error}"
        else:
            return
        if not self._ended.is_set():
            self._on_lost(reason)

    def _watch(self) -> None:
        written = self._ready.written
        beat, dog = self._ready.heartbeat, self._ready.watchdog
        looked = beat or next(iter(self._ready.nodes))
        last: Any = None
        shows = set(self._ready.shows.values())
        changed = shown = time.monotonic()
        looked_at = shown - _SHOW_S
        stood_at = shown - _STAND_S
        high = False
        while not self._ended.wait(min(_TURN_S, written.watchdog_s, written.heartbeat_s / 3)):
            now = time.monotonic()
            if dog is not None and now - shown >= written.watchdog_s:
                high, shown = not high, now
                self._plc.write(dog, high)
            due = now - looked_at >= _SHOW_S
            age, names = self._standing.age, self._standing.names
            names = names if now - stood_at >= _STAND_S else ()
            read = self._plc.read({looked, *names, *(shows if due else ())})
            if names:
                stood_at = now
                self._standing.seen(age, read)
            if due:
                looked_at = now
                # both at once: an old number never gets a new time
                self.seen = (now, {name: read[name] for name in shows})
            found = read[looked]
            if found != last:
                last, changed = found, now
            elif beat is not None and now - changed > written.heartbeat_s:
                raise LinkLost(f"{beat} has not changed for {written.heartbeat_s:g} s")
