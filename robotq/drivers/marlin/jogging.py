"""A jog on Marlin, which has none: bursts of short lines, each carried out to its end.

Marlin does not tell how far it has got, so nothing but the answer to M400 says that nothing is
ahead of it. A burst is as long as the robot was seen to need less than `AHEAD_S` for, so that it
stands in that time whatever becomes of us; it stands for a moment between two of them. The end of a
jog is the end of its burst: M410 would stop no sooner, and the position would be lost by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from robotq.drivers.base import DriverError
from robotq.drivers.gcode.jogging import AXES, limits_of, room_mm, told
from robotq.drivers.gcode.reader.lines import Line
from robotq.drivers.jogging import AHEAD_S, JogLife, JogWanted
from robotq.drivers.marlin.short import Point
from robotq.drivers.marlin.state import State
from robotq.drivers.marlin.talk.channel import Channel
from robotq.drivers.marlin.talk.lines import ABSOLUTE, FINISH, MARKER
from robotq.drivers.marlin.watch import MarlinWatch
from robotq.model.json import JsonObject

_MILLIMETRES = Line(text="G21", number=0, codes=("G21",), motion=False)
_BURST_S = 0.15
"""Of motion at the speed that is wanted."""
_FIRST_S = 0.05
"""The same of the first burst, by which is seen how slowly the axis speeds up."""
_AIM_S = 0.8 * AHEAD_S
"""How long a burst is to take, with all."""
_LINES = 3
"""Of a burst: with that many Marlin begins at once, and waits a moment for more with fewer."""
_FIRST_MOVE_S = 0.1
"""That moment: BLOCK_DELAY_FOR_1ST_MOVE."""
_STEPS = 7
"""A shorter line may not be planned: MIN_STEPS_PER_SEGMENT is six."""
_COARSE = 20.0
"""Steps per millimetre where the controller does not tell."""
_LOOK_S = 0.01


class MarlinJog:
    """For the command thread while it has the turn."""

    def __init__(
        self,
        state: State,
        channel: Channel,
        watch: MarlinWatch,
        exchange: Callable[[Line], None],
        steps: Callable[[], Point | None],
    ) -> None:
        """`exchange` sends a line and waits for its answer; `steps` asks for those of a mm."""
        self._state = state
        self._channel = channel
        self._watch = watch
        self._exchange = exchange
        self._steps = steps

    def run(self, wanted: JogWanted, life: JogLife, *, known: bool) -> JsonObject:
        """Raises DriverError, Stopped, UncertainOutcome."""
        for line in (_MILLIMETRES, ABSOLUTE):
            self._exchange(line)
        index = AXES.index(wanted.axis)
        steps = self._steps()
        least_mm = _STEPS / (_COARSE if steps is None else steps[index])
        start = self._place()
        if wanted.axis not in start:
            raise DriverError("the controller does not tell where it is planned to")
        with self._channel.motions_while(lambda: life.left_s() > 0):
            at_limit = self._move(wanted, life, start[wanted.axis], least_mm, known=known)
        return told(wanted, start, self._place(), at_limit=at_limit)

    def _place(self) -> Mapping[str, float]:
        self._exchange(FINISH)
        self._exchange(MARKER)
        return dict(zip(AXES, self._channel.condition.point, strict=False))

    def _move(
        self, wanted: JogWanted, life: JogLife, at: float, least_mm: float, *, known: bool
    ) -> bool:
        """Whether it ended at a limit."""
        options = self._state.options
        limits = limits_of(options.jog, known=known)
        if limits is None:
            raise DriverError("the configuration lets nobody jog it", code="robot_busy")
        speed = min(wanted.speed_mm_s, limits.most_mm_s)
        if least_mm / speed + _FIRST_MOVE_S > AHEAD_S:
            least = least_mm / (AHEAD_S - _FIRST_MOVE_S)
            raise DriverError(
                f"expected at least {least:.2f} mm/s, the slowest that its steps allow",
                code="bad_parameter",
                field="speed_mm_s",
            )
        room = room_mm(wanted, at, options.work_area, options.jog, known=known)
        burst_mm = max(least_mm, speed * _FIRST_S)
        end = at + wanted.direction * room
        while (left_s := life.left_s()) > 0 and not self._watch.held:
            room = abs(end - at)
            if room < least_mm:
                return True
            mm = min(burst_mm, room)
            if _needs_s(mm, speed, least_mm) > left_s:
                # a shorter one may fit; else the next renewal is waited for
                mm = max(least_mm, speed * (left_s - _FIRST_MOVE_S))
            if _needs_s(mm, speed, least_mm) > left_s or mm > room:
                self._watch.look(_LOOK_S)
                continue
            began, begun = time.monotonic(), at
            lines = _LINES if mm / _LINES >= least_mm else 1
            for number in range(1, lines + 1):
                if not life.left_s():
                    break
                at = self._send(wanted, begun + wanted.direction * mm * number / lines, speed)
            self._exchange(FINISH)
            took_s = max(0.001, time.monotonic() - began)
            better = mm * min(2.0, max(0.5, _AIM_S / took_s))
            burst_mm = max(least_mm, min(better, speed * _BURST_S))
        return False

    def _send(self, wanted: JogWanted, to_mm: float, speed: float) -> float:
        """Returns where it is planned to."""
        target = round(to_mm, 4)
        text = f"G1 {wanted.axis.upper()}{target:.4f} F{speed * 60:.1f}"
        self._exchange(Line(text=text, number=0, codes=("G1",), motion=True))
        return target


def _needs_s(mm: float, speed: float, least_mm: float) -> float:
    return mm / speed + (0.0 if mm / _LINES >= least_mm else _FIRST_MOVE_S)
