"""A jog on GRBL: short lines of `$J=`, and 0x85 at the end.

A line is sent only when the one before it was answered, so at most one of them can still lie in
the receive buffer when 0x85 comes: Grbl carries that one out after the cancel, and gets another
0x85 for it.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping

from robotq.drivers.base import DriverError, UncertainOutcome
from robotq.drivers.gcode.jogging import AXES, limits_of, room_mm, told
from robotq.drivers.gcode.reader.lines import Line
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.grbl.polling import Polling
from robotq.drivers.grbl.protocol import Status
from robotq.drivers.grbl.state import State
from robotq.drivers.grbl.stopping import GrblStopping
from robotq.drivers.grbl.watch import GrblWatch
from robotq.drivers.jogging import AHEAD_S, JogLife, JogWanted
from robotq.model.json import JsonObject

_PIECE_S = 0.05
"""Of motion in a line."""
_LEAST_MM = 0.001
_LOOK_S = 0.01
_AGAIN_S = 0.05
"""Between two cancels, until it stands."""
_ACCELERATION = 50.0
"""mm/s^2, where the controller does not tell its own ($120 and on), nor does the configuration."""
_REPORTS = 8
"""By which is seen how fast it goes; some fifty come in a second."""
_FASTER = 1.5
_SOFT_LIMIT = "error:15"
_CANCEL = b"\x85"


class GrblJog:
    """For the command thread while it has the turn."""

    def __init__(
        self,
        state: State,
        channel: Channel,
        polling: Polling,
        watch: GrblWatch,
        stopping: GrblStopping,
    ) -> None:
        self._stopping = stopping
        self._state = state
        self._channel = channel
        self._polling = polling
        self._watch = watch

    def run(self, wanted: JogWanted, life: JogLife, *, known: bool) -> JsonObject:
        """Raises DriverError, Stopped, UncertainOutcome."""
        self._polling.hurry(True)
        try:
            start = self._standing_at(life)
            if start is None:
                # it was let go before it began
                return told(wanted, {}, {}, at_limit=False)
            at_limit = self._move(wanted, life, start, known=known)
            return told(wanted, start, self._place(), at_limit=at_limit)
        finally:
            self._polling.hurry(False)

    def _standing_at(self, life: JogLife) -> Mapping[str, float] | None:
        """From a report that was made now; None where the life has ended before that."""
        channel = self._channel
        seen = channel.statuses
        while channel.statuses <= seen + 1:
            if not life.left_s():
                return None
            self._watch.look(_LOOK_S)
        status = channel.status
        if status is None or status.state != "Idle":
            state = "unknown" if status is None else status.state
            raise DriverError(f"the controller does not stand ready: {state}")
        return self._place()

    def _move(
        self, wanted: JogWanted, life: JogLife, start: Mapping[str, float], *, known: bool
    ) -> bool:
        """Whether it ended at a limit."""
        options, channel = self._state.options, self._channel
        limits = limits_of(options.jog, known=known)
        if limits is None:
            raise DriverError("the configuration lets nobody jog it", code="robot_busy")
        speed = min(wanted.speed_mm_s, limits.most_mm_s)
        most_mm = self._most_ahead_mm(wanted.axis, speed)
        piece_mm = max(_LEAST_MM, min(speed * _PIECE_S, most_mm / 3))
        at = start.get(wanted.axis)
        room = room_mm(wanted, at, options.work_area, options.jog, known=known)
        sent_mm = ends_at = 0.0
        pace = _Pace()
        while (left_s := life.left_s()) > 0 and not self._watch.held:
            if channel.complaint is not None:
                return self._refused(life)
            step = _whole(min(piece_mm, room - sent_mm))
            if step < _LEAST_MM:
                return self._until_it_stands(life)
            now = time.monotonic()
            ends = max(ends_at, now) + step / speed
            gone = 0.0 if at is None else abs(self._place().get(wanted.axis, at) - at)
            pace.seen(channel.statuses, now, gone)
            ahead_mm = max(piece_mm, min(most_mm, pace.mm_s * min(left_s, AHEAD_S)))
            fits = ends - now <= min(left_s, AHEAD_S) and sent_mm + step - gone <= ahead_mm
            if fits and not channel.lines_under_way and channel.put([_line(wanted, step, speed)]):
                sent_mm, ends_at = sent_mm + step, ends
            self._watch.look(_LOOK_S)
        self._until_it_stands()
        return False

    def _most_ahead_mm(self, axis: str, speed: float) -> float:
        """So much is carried out in `AHEAD_S`, also by axes that speed up slowly: Grbl plans no
        faster than it can stop at the end of what it has."""
        known = self._state.options.jog.acceleration_mm_s2
        acceleration = known or self._channel.acceleration(AXES.index(axis)) or _ACCELERATION
        return max(3 * _LEAST_MM, min(speed * AHEAD_S, acceleration * AHEAD_S**2 / 2))

    def _refused(self, life: JogLife) -> bool:
        """A line was: at the controller's own limits, or because it cannot."""
        complaint = self._channel.complaint
        assert complaint is not None
        if _SOFT_LIMIT in complaint[1]:
            return self._until_it_stands(life)
        self._until_it_stands()
        raise DriverError(complaint[1])

    def _until_it_stands(self, life: JogLife | None = None) -> bool:
        """What is on its way is carried out for as long as `life` lasts, and cancelled then.
        Whether it was carried out."""
        channel = self._channel
        deadline = time.monotonic() + self._state.options.stop_timeout_s
        again = 0.0
        cancel = waits = False
        # reports when lines were under way, or were not any more
        seen: int | None = None
        while True:
            now = time.monotonic()
            cancel = cancel or life is None or not life.left_s()
            if cancel and now >= again:
                channel.at_once(_CANCEL)
                again = now + _AGAIN_S
            if bool(channel.lines_under_way) is not waits:
                seen, waits = None, not waits
            if seen is None:
                seen = channel.statuses
            elif waits and cancel and channel.statuses > seen + 1 and _held_at_rest(channel.status):
                # behind a door no line is read, and none is taken back by a cancel: it would move
                # the robot when it is resumed
                self._stopping.soft_reset()
            elif not waits and channel.statuses > seen and _rests(channel.status):
                return not cancel
            # a complaint ends no wait by itself
            channel.wait(_LOOK_S)
            self._watch.look(0.0)
            if now > deadline:
                raise UncertainOutcome("stop_unconfirmed", "the jog does not come to its end")

    def _place(self) -> dict[str, float]:
        """Machine coordinates, as far as the controller tells them."""
        status = self._channel.status
        if status is None:
            return {}
        point = status.machine_mm
        if point is None and status.work_mm is not None and status.offset_mm is not None:
            both = zip(status.work_mm, status.offset_mm, strict=False)
            point = tuple(work + offset for work, offset in both)
        return {} if point is None else dict(zip(AXES, point, strict=False))


class _Pace:
    """How fast it really goes: axes may be slower than they are told to be."""

    def __init__(self) -> None:
        self._reports = -1
        self._seen: deque[tuple[float, float]] = deque(maxlen=_REPORTS)

    def seen(self, reports: int, now: float, gone_mm: float) -> None:
        if reports != self._reports:
            self._reports = reports
            self._seen.append((now, gone_mm))

    @property
    def mm_s(self) -> float:
        """A little more than was seen: the axis may be speeding up."""
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        return _FASTER * (last - first) / (ended - began) if ended > began else 0.0


def _rests(status: Status | None) -> bool:
    return status is not None and (status.state == "Idle" or _held_at_rest(status))


def _held_at_rest(status: Status | None) -> bool:
    return status is not None and status.held and status.rests


def _whole(mm: float) -> float:
    """In the thousandths that are sent, never more."""
    return math.floor(mm / _LEAST_MM + 1e-6) * _LEAST_MM


def _line(wanted: JogWanted, mm: float, speed: float) -> Line:
    axis = wanted.axis.upper()
    text = f"$J=G91 G21 {axis}{mm * wanted.direction:.3f} F{speed * 60:.1f}"
    return Line(text=text, number=0, codes=(), motion=True)
