"""A controller of the GRBL family, as far as a host can tell.

Buffer sizes, order of answers, silences and their lengths are those that were observed on
Grbl 1.1h, grblHAL 1.1f and FluidNC 4.0, and those of Grbl's documentation.
"""

from __future__ import annotations

from robotq.testing.emulators.faults import Fault
from robotq.testing.emulators.grbl.activity import Lasting
from robotq.testing.emulators.grbl.machine import BOOT_S, GrblMachine
from robotq.testing.emulators.grbl.words import Refused, read_words, stripped

_END_OF_PROGRAM = "[MSG:Pgm End]"
_HOMING_S = 0.5
_FOREVER_S = 3600.0
_LOOK_S = 0.01
"""How often a moving axis is seen against its switches."""


class GrblEmulator(GrblMachine):
    """`speed` multiplies all motion; `homing` is the setting $22."""

    def work(self) -> float:
        now = self.now()
        self._doing.advance(now)
        self._alarm = self._limits.look(now) or self._alarm
        if self._silent_until is not None:
            if now < self._silent_until:
                return self._silent_until - now
            self._greet()
        while not self._blocked(now):
            line = self._buffer.next_line()
            if line is None:
                break
            self._carry_out(line)
        ends = self._doing.ends_s(now)
        ends += self._limits.ends_s(now)
        if self._limits.watched and self.axes.moving:
            ends.append(_LOOK_S)
        if self._silent_until is not None:
            ends.append(self._silent_until - now)
        return max(0.0, min(ends, default=_FOREVER_S))

    def _blocked(self, now: float) -> bool:
        """It does not read lines now."""
        doing = self._doing
        if self._silent_until is not None or self._limits.hit or doing.paused or doing.cancelling:
            return True
        if self._limits.refused is not None:
            return True
        if doing.homing is not None:
            if doing.homing.until is None or now < doing.homing.until:
                return True
            self._homed(doing.homing)
        if doing.dwell is not None:
            if not doing.dwelt(now):
                return True
            dwell, doing.dwell = doing.dwell, None
            if dwell.says:
                self.say(dwell.says)
            self._ok(dwell.line, dwell.fault)
        if doing.pause is not None:
            if not doing.pause_over():
                return True
            pause, doing.pause = doing.pause, None
            self._ok(pause.line, pause.fault)
        if doing.waiting is not None:
            if self.axes.full:
                return True
            line, doing.waiting = doing.waiting, None
            self._carry_out(line)
            return self._blocked(now)
        return False

    def _carry_out(self, raw: str) -> None:
        line = stripped(raw)
        if line.startswith("$"):
            self._sticky = 0
            self._dollar(line)
            return
        if not line and not raw.strip():
            self._sticky = 0
        if self._sticky:
            self._error(self._sticky, raw)
            return
        if line and (self._alarm or self._doing.jogging):
            self._error(9, raw)
            return
        longest, number = self._firmware.longest
        if len(line if self._plain else raw) > longest:
            self._error(number, raw)
            return
        try:
            self._gcode(line, raw)
        except Refused as refused:
            self._sticky = refused.number if self._firmware.sticky_errors else 0
            self._error(refused.number, raw)

    def _gcode(self, line: str, raw: str) -> None:
        """Answers a line that is right, now or later. Raises Refused."""
        words = read_words(line, plain_grbl=self._plain)
        if words.moves and self.axes.full:
            # the planner has no room: nothing of the line is in effect yet
            self._doing.waiting = raw
            return
        after_motion = self.modes.synchronises(words)
        says = "" if {"2", "30"}.isdisjoint(words.m_codes) else _END_OF_PROGRAM
        self.modes.take(words, self.axes.planned)
        if "4" in words.g_codes:
            seconds = words.values.get("P", 0.0)
            self._doing.dwell = Lasting(line=raw, fault=self._fault(raw), seconds=seconds)
            return
        if words.moves:
            end = self.modes.end(self.axes.planned, words)
            if self._limits.beyond(end):
                self._limits.refuse(raw)
                return
            self.axes.plan(end, self.modes.speed_mm_s, raw)
        if "0" in words.m_codes:
            self._doing.pause = Lasting(line=raw, fault=self._fault(raw), seconds=0.0)
            return
        if says or (after_motion and self.axes.blocks):
            self._doing.dwell = Lasting(line=raw, fault=self._fault(raw), seconds=0.0, says=says)
            return
        self._ok(raw, self._fault(raw))

    def _dollar(self, line: str) -> None:
        fault = self._fault(line)
        told = self._firmware.tells(
            line,
            homing=self.homing,
            inches=self.inches,
            name=self.name,
            modes=self.modes.told(),
        )
        if line.startswith("$J="):
            self._jog(line, fault)
        elif line == "$X":
            if self._alarm:
                self._alarm = False
                self.say(self._firmware.unlocked)
            self._ok(line, fault)
        elif self.axes.blocks and line != "$G":
            self._error(8, line)
        elif told is not None:
            for text in told:
                self.say(text)
            self._ok(line, fault)
        elif line.startswith("$H"):
            self._home(line, fault)
        else:
            self._error(3, line)

    def _jog(self, line: str, fault: Fault | None) -> None:
        if self._alarm or (self.axes.blocks and not self._doing.jogging):
            self._error(8, line)
            return
        try:
            words = read_words(line[3:], plain_grbl=self._plain)
            end, speed_mm_s = self.modes.jog(self.axes.planned, words)
        except Refused as refused:
            self._error(refused.number, line)
            return
        if self._limits.beyond(end):
            self._error(15, line)
            return
        if self.axes.full:
            self._doing.waiting = line
            return
        self._doing.jogging = True
        self.axes.plan(end, speed_mm_s, line)
        self._ok(line, fault)

    def _home(self, line: str, fault: Fault | None) -> None:
        if not self.homing:
            self._error(5, line)
            return
        self._doing.home(self.now(), Lasting(line=line, fault=fault, seconds=_HOMING_S))

    def _homed(self, homing: Lasting) -> None:
        self._doing.homing = None
        if not self.homing_fails:
            self.axes.position = (0.0, 0.0, 0.0)
            self.axes.slipped = False
            self._alarm = False
            self._ok(homing.line, homing.fault)
            return
        self._alarm = True
        self.say("ALARM:9")
        if not self._firmware.sticky_errors:
            self.say("ok")
        self._restart()
        self._silent_until = self.now() + BOOT_S

    # -- answers ---------------------------------------------------------------------------------

    def _fault(self, line: str) -> Fault | None:
        return self.faults.after(line.strip()) if self.faults else None

    def _ok(self, line: str, fault: Fault | None) -> None:
        self.taken.append(line.strip())
        if not self.befallen(fault):
            self.answer("ok", fault)

    def _error(self, number: int, line: str) -> None:
        self.answer(f"error:{number}", self._fault(line))
        if self._firmware.explains_errors:
            # in the middle of the answer to the next line
            self.say(f"[MSG:ERR: Bad GCode: {line.strip()}]")
