"""Why a station begins nothing although its link is there: an alarm, or a number whose end the PLC
has not told. The PLC, or a person, says when that is over."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from robotq.drivers.plc.pattern import LeftOpen, Station, Values

_MOST = 8
"""Texts of alarms that have gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was read together."""

    alarms: Sequence[str] = ()
    left_open: LeftOpen | None = None


class Standing:
    """Of one station; from any thread. What was read before a command has begun, or before it has
    ended, counts no more after that."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._lock = threading.Lock()
        self._age = 0
        self._busy = False
        self._alarms: tuple[str, ...] = ()
        self._were: tuple[str, ...] = ()
        """That have stood since a person has said last that it may go on."""
        self._open: LeftOpen | None = None
        self._at_its_end: LeftOpen | None = None

    # -- a command -----------------------------------------------------------------------------

    def begins(self) -> None:
        with self._lock:
            self._age += 1
            self._busy = True

    def ends(self) -> None:
        with self._lock:
            self._age += 1
            self._busy = False

    def at_its_end(self, left: LeftOpen) -> bool:
        """Of `Hooks`."""
        return left == self._at_its_end

    def found(self, found: Found) -> None:
        """By a command that was refused, or has ended otherwise than it should."""
        with self._lock:
            self._stand(found.alarms)
            left = found.left_open
            self._open = None if left == self._at_its_end else left

    # -- the watch -----------------------------------------------------------------------------

    @property
    def age(self) -> int:
        """To be taken before the look."""
        return self._age

    @property
    def names(self) -> Collection[str]:
        """The nodes that have to be looked at while nothing runs."""
        if self._busy:
            return ()
        names = [alarm.node for alarm in self._station.alarms]
        left = self._open
        if left is not None:
            names += [left.start, left.done]
            names += [] if self._station.boot is None else [self._station.boot]
        return names

    def seen(self, age: int, read: Values) -> None:
        with self._lock:
            if age != self._age or self._busy:
                return
            self._stand(
                [
                    text
                    for alarm in self._station.alarms
                    if alarm.node in read
                    for text in alarm.texts(int(read[alarm.node]))
                ]
            )
            left = self._open
            if left is not None and left.start in read and _changed(left, self._station, read):
                # told by the PLC itself, or something else by now: the next command looks anew
                self._open = None

    def _stand(self, alarms: Sequence[str]) -> None:
        self._alarms = tuple(alarms)
        if alarms and self._station.after_alarm == "resume":
            self._were = tuple(dict.fromkeys([*self._were, *alarms]))[:_MOST]

    # -- what is told, and what a person says --------------------------------------------------

    @property
    def why(self) -> str:
        """Why nothing begins, and what clears it. Empty where something may."""
        with self._lock:
            told = []
            if self._alarms:
                texts = "; ".join(self._alarms)
                told.append(
                    f"{texts}: reset it at the PLC, then resume the motion"
                    if self._station.after_alarm == "resume"
                    else f"{texts}: reset it at the PLC"
                )
            elif self._were:
                told.append(f"{'; '.join(self._were)}: it has gone; resume the motion")
            if self._open is not None:
                told.append(
                    f"{self._open.text}; see that the station stands and carries nothing out, then "
                    "resume the motion: that says so, and the next command begins"
                )
            return "; ".join(told)

    @property
    def alarms(self) -> Sequence[str]:
        """That stand."""
        return self._alarms

    def resume(self) -> None:
        """A person has seen to it. What still stands goes on to stand."""
        with self._lock:
            self._were = ()
            if self._alarms:
                # what he has seen is the alarm; the rest comes after that
                return
            if self._open is not None:
                self._at_its_end, self._open = self._open, None


def _changed(left: LeftOpen, station: Station, read: Values) -> bool:
    boot = left.boot if station.boot is None else read[station.boot]
    return (read[left.start], read[left.done], boot) != (left.number, left.done_is, left.boot)
