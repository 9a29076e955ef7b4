"""A controller of the GRBL family, as far as a host can tell.

Buffer sizes, order of answers, silences and their lengths are those that were observed on
Grbl 1.1h, grblHAL 1.1f and FluidNC 4.0, and those of Grbl's documentation.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from robotq.testing.emulators.device import Device
from robotq.testing.emulators.faults import Fault, Faults
from robotq.testing.emulators.grbl.activity import Activity, Lasting
from robotq.testing.emulators.grbl.firmware import FIRMWARE, Dialect
from robotq.testing.emulators.grbl.gcode import Modes
from robotq.testing.emulators.grbl.limits import Limits
from robotq.testing.emulators.grbl.receive import ReceiveBuffer
from robotq.testing.emulators.grbl.report import Reports
from robotq.testing.emulators.grbl.words import Refused, read_words, stripped
from robotq.testing.emulators.motion import Axes, Point

_URGENT = re.compile(rb"[?!~\x18\x80-\xff]")
_END_OF_PROGRAM = "[MSG:Pgm End]"
_BOOT_S = 0.03
_HOMING_S = 0.5
_FOREVER_S = 3600.0
_LOOK_S = 0.01
"""How often a moving axis is seen against its switches."""


class GrblEmulator(Device):
    """`speed` multiplies all motion; `homing` is the setting $22."""

    def __init__(
        self,
        link: Path,
        *,
        dialect: Dialect = Dialect.GRBL,
        faults: Faults | None = None,
        speed: float = 1.0,
        homing: bool = False,
        homing_fails: bool = False,
        ramp_s: float = 0.05,
        name: str = "",
        restore_s: float = 0.0,
        ends_mm: float = math.inf,
        reach_mm: float = math.inf,
    ) -> None:
        """`ends_mm`: how far from 0 each axis has its limit switches ($21). `reach_mm`: how far
        its soft limits let it go ($20)."""
        super().__init__(link, faults)
        self._firmware = firmware = FIRMWARE[dialect]
        self.line_end = firmware.end
        self._plain = dialect is Dialect.GRBL
        self.axes = Axes(blocks_most=15, speed=speed, ramp_s=ramp_s)
        self._limits = Limits(self.axes, self.say, ends_mm=ends_mm, reach_mm=reach_mm)
        self.name = name
        """What `$I=` has stored."""
        self.homing = homing
        self.homing_fails = homing_fails
        self._restore_s = restore_s
        """How long spindle and coolant take to come back after a door."""
        self._ajar = False
        self.taken: list[str] = []
        """Every line that was carried out or planned, in this order."""
        self.resets = 0
        self.urgent_bytes: list[tuple[float, int]] = []
        """Every byte that is acted upon at once but `?`, and when it came."""
        self._buffer = ReceiveBuffer(
            firmware.receive_bytes, one_ok_for_crlf=firmware.one_ok_for_crlf
        )
        self.systems: dict[str, Point] = {}
        """Where the stored coordinate systems begin, such as "55"."""
        self.inches = False
        """The setting $13: reports are in inches."""
        self.modes = Modes(self.systems)
        self._alarm = False
        self._doing = Activity(self.axes)
        self._silent_until: float | None = None
        self._sticky = 0
        self.reports = Reports()

    @property
    def overflowed(self) -> int:
        """Bytes for which there was no room."""
        return self._buffer.overflowed

    @property
    def at_a_line(self) -> bool:
        """A line has been taken, and not answered yet."""
        return self._doing.at_a_line

    # -- start and reset -------------------------------------------------------------------------

    def boot(self) -> None:
        self.axes.drop()
        self.axes.position = (0.0, 0.0, 0.0)
        self._alarm = self.homing
        self._restart()
        self._silent_until = self.now() + _BOOT_S

    def alarmed(self) -> None:
        """Lock it, as an alarm does."""
        self._alarm = True

    def press_hold(self) -> None:
        """Somebody presses feed hold at the machine."""
        self.order(lambda: self._act(ord("!")))

    def press_start(self) -> None:
        """Somebody presses cycle start at the machine."""
        self.order(lambda: self._act(ord("~")))

    def open_door(self) -> None:
        self.order(lambda: self._door(ajar=True))

    def close_door(self) -> None:
        """It waits to be resumed."""
        self.order(lambda: self._door(ajar=False))

    def _door(self, *, ajar: bool) -> None:
        self._ajar = ajar
        if ajar:
            self._act(0x84)

    def _restart(self) -> None:
        self._buffer.clear()
        self._partial.clear()
        self._doing.restart()
        self._sticky = 0
        self._limits.restart()
        self.modes = Modes(self.systems)
        # the first report after a reset has the offset
        self.reports.made = 0

    def _soft_reset(self) -> None:
        if self._silent_until is not None:
            # it is at one already, and takes no second one before its greeting
            return
        if self._limits.deaf(self.now()):
            return
        self.resets += 1
        moving = bool(self.axes.blocks) and not self.axes.standing
        silence = _BOOT_S
        if moving or self._doing.homing is not None:
            self._alarm = True
            self.axes.slipped = True
            silence = self._firmware.silence_s
            self.say("ALARM:3" if self._doing.homing is None else "ALARM:6")
            if self._doing.at_a_line:
                # it is answered, and not carried out: 12 of 12
                self.say("ok")
        if self._limits.refused is not None:
            self.say("ok")
        self.axes.drop()
        self._restart()
        self._silent_until = self.now() + silence

    def _greet(self) -> None:
        self._silent_until = None
        self._send(self._firmware.end)
        self.say(self._firmware.greeting)
        if self._alarm and self._firmware.unlock is not None:
            self.say(self._firmware.unlock)

    # -- bytes -----------------------------------------------------------------------------------

    def take(self, data: bytes) -> None:
        self._buffer.store(self.urgent(data), self.work)

    def urgent(self, data: bytes) -> bytes:
        if not _URGENT.search(data):
            return data
        kept = bytearray()
        for byte in data:
            if byte < 0x80 and byte not in b"?!~\x18":
                kept.append(byte)
                continue
            if byte == 0x18:
                # what came before it is gone with it
                kept.clear()
            self._act(byte)
        return bytes(kept)

    def _act(self, byte: int) -> None:
        self.axes.advance(self.now())
        if byte != 0x3F:
            self.urgent_bytes.append((self.now(), byte))
        if (self._silent_until is not None or self._limits.hit) and byte != 0x18:
            return
        match byte:
            case 0x3F:
                self._report()
            case 0x21 if self._doing.homing is None and not self._alarm:
                self._doing.hold()
            case 0x7E if not self._ajar:
                self._doing.resume(self.now(), self._restore_s)
            case 0x84:
                self._doing.open_door()
                self.say("[MSG:Check Door]")
            case 0x18:
                self._soft_reset()
            case 0x85 if self._doing.jogging:
                self._doing.cancel_jog()

    # -- lines -----------------------------------------------------------------------------------

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
        self._silent_until = self.now() + _BOOT_S

    # -- answers ---------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        self._send(text.encode("latin-1") + self._firmware.end)

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

    def _report(self) -> None:
        if self._doing.homing is not None and not self._firmware.reports_while_homing:
            return
        free = 1023 - len(self._buffer) if self._firmware.sticky_errors else None
        self.say(
            self.reports.text(
                self._state(),
                self.axes,
                self.modes.feed_mm_s,
                free,
                offset=self.modes.offset,
                unit_mm=25.4 if self.inches else 1.0,
            )
        )

    def _state(self) -> str:
        return self._doing.state(self.now(), alarm=self._alarm, ajar=self._ajar)
