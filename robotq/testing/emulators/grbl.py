"""A controller of the GRBL family, as far as a host can tell.

Buffer sizes, order of answers, silences and their lengths are those that were observed on
Grbl 1.1h, grblHAL 1.1f and FluidNC 4.0, and those of Grbl's documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from robotq.testing.emulators.device import Device
from robotq.testing.emulators.faults import Fault, Faults
from robotq.testing.emulators.motion import Axes, Point

_WORD = re.compile(r"([A-Z])([+-]?(?:\d+\.?\d*|\.\d+))")
_COMMENT = re.compile(r"\([^)]*\)|;.*")
_KNOWN_G = frozenset(
    [
        *("0", "1", "2", "3", "4", "10", "17", "18", "19", "20", "21", "28", "28.1", "30", "30.1"),
        *("38.2", "38.3", "40", "49", "53", "54", "55", "56", "57", "58", "59", "61", "80", "90"),
        *("91", "91.1", "92", "92.1", "93", "94"),
    ]
)
_KNOWN_M = frozenset(["0", "1", "2", "3", "4", "5", "7", "8", "9", "30"])
_RAPID_MM_S = 100.0
_BOOT_S = 0.03
_HOMING_S = 0.5
_FOREVER_S = 3600.0


class Dialect(StrEnum):
    GRBL = "grbl"
    GRBLHAL = "grblhal"
    FLUIDNC = "fluidnc"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Firmware:
    greeting: str
    end: bytes
    receive_bytes: int
    identity: tuple[str, ...]
    unlock: str | None
    unlocked: str
    reports_while_homing: bool
    one_ok_for_crlf: bool
    sticky_errors: bool
    silence_s: float


_FIRMWARE = {
    Dialect.GRBL: _Firmware(
        greeting="Grbl 1.1h ['$' for help]",
        end=b"\r\n",
        receive_bytes=127,
        identity=("[VER:1.1h.20190825:]", "[OPT:V,15,128]"),
        unlock="[MSG:'$H'|'$X' to unlock]",
        unlocked="[MSG:Caution: Unlocked]",
        reports_while_homing=False,
        one_ok_for_crlf=False,
        sticky_errors=False,
        silence_s=0.5,
    ),
    Dialect.GRBLHAL: _Firmware(
        greeting="GrblHAL 1.1f ['$' or '$HELP' for help]",
        end=b"\r\n",
        receive_bytes=1023,
        identity=("[VER:1.1f.20260817:]", "[OPT:VNMPHSL2,100,1024,3,0]", "[FIRMWARE:grblHAL]"),
        unlock="[MSG:'$H'|'$X' to unlock]",
        unlocked="[MSG:Caution: Unlocked]",
        reports_while_homing=True,
        one_ok_for_crlf=True,
        sticky_errors=True,
        silence_s=0.1,
    ),
    Dialect.FLUIDNC: _Firmware(
        greeting="Grbl 4.0 [FluidNC v4.0.5-pre2 (linux-capture) '$' for help]",
        end=b"\n",
        receive_bytes=255,
        identity=("[VER:4.0 FluidNC v4.0.5-pre2:]", "[OPT:PHS]"),
        unlock=None,
        unlocked="[MSG:INFO: Caution: Unlocked]",
        reports_while_homing=False,
        one_ok_for_crlf=False,
        sticky_errors=False,
        silence_s=0.5,
    ),
}


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
    ) -> None:
        super().__init__(link, faults)
        self._firmware = _FIRMWARE[dialect]
        self.axes = Axes(blocks_most=15, speed=speed, ramp_s=ramp_s)
        self.homing = homing
        self.homing_fails = homing_fails
        self.taken: list[str] = []
        """Every line that was carried out or planned, in this order."""
        self.overflowed = 0
        """Bytes for which there was no room."""
        self.resets = 0
        self.urgent_bytes: list[tuple[float, int]] = []
        """Every byte that is acted upon at once but `?`, and when it came."""
        self._ring = bytearray()
        self._alarm = False
        self._waiting: str | None = None
        """A line for which the planner has no room."""
        self._dwell_until: float | None = None
        self._dwell_s = 0.0
        self._dwelling: tuple[str, Fault | None] | None = None
        self._home_until: float | None = None
        self._home_line: tuple[str, Fault | None] = ("", None)
        self._silent_until: float | None = None
        self._jogging = False
        self._cancel_jog = False
        self._paused = False
        self._sticky = 0
        self._last_was_cr = False
        self._reports = 0
        self._modal_init()

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

    def _modal_init(self) -> None:
        self._motion = "0"
        self._relative = False
        self._inches = False
        self._feed_mm_s = 0.0

    def _restart(self) -> None:
        self._ring.clear()
        self._partial.clear()
        self._waiting = self._dwell_until = self._dwelling = self._home_until = None
        self._jogging = self._cancel_jog = self._paused = False
        self._sticky = 0
        self._modal_init()

    def _soft_reset(self) -> None:
        self.resets += 1
        moving = bool(self.axes.blocks) and not self.axes.standing
        silence = _BOOT_S
        if self._home_until is not None:
            self._alarm = True
            self.say("ALARM:6")
            self.say("ok")
            silence = self._firmware.silence_s
        elif moving:
            self._alarm = True
            self.say("ALARM:3")
            silence = self._firmware.silence_s
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
        self._store(self.urgent(data))

    def urgent(self, data: bytes) -> bytes:
        if not _URGENT.search(data):
            return data
        kept = bytearray()
        for byte in data:
            if byte < 0x80 and byte not in b"?!~\x18":
                kept.append(byte)
            elif byte == 0x18:
                # what came before it is gone with it
                kept.clear()
                self._act(byte)
            else:
                self._act(byte)
        return bytes(kept)

    def _act(self, byte: int) -> None:
        self.axes.advance(self.now())
        if byte != 0x3F:
            self.urgent_bytes.append((self.now(), byte))
        if self._silent_until is not None and byte != 0x18:
            return
        match byte:
            case 0x3F:
                self._report()
            case 0x21 if self._home_until is None and not self._alarm:
                self.axes.hold()
                self._paused = True
            case 0x7E:
                self.axes.resume()
                self._paused = False
            case 0x18:
                self._soft_reset()
            case 0x85 if self._jogging:
                self.axes.hold()
                self._cancel_jog = True

    def _store(self, data: bytes) -> None:
        room = self._firmware.receive_bytes - len(self._ring)
        if len(data) > room:
            # lines are taken out as they come in, as far as they can be carried out
            for byte in data:
                if len(self._ring) < self._firmware.receive_bytes:
                    self._ring.append(byte)
                    if byte in b"\n\r":
                        self.work()
                else:
                    self.overflowed += 1
        else:
            self._ring += data

    # -- lines -----------------------------------------------------------------------------------

    def work(self) -> float:
        now = self.now()
        self.axes.advance(now)
        if self._silent_until is not None:
            if now < self._silent_until:
                return self._silent_until - now
            self._greet()
        if self._cancel_jog and self.axes.standing:
            self.axes.drop()
            self._jogging = self._cancel_jog = False
        if self._jogging and not self.axes.blocks:
            self._jogging = False
        while not self._blocked(now):
            line = self._next_line()
            if line is None:
                break
            self._carry_out(line)
        return self._pause(now)

    def _pause(self, now: float) -> float:
        ends = [self.axes.next_event_s(), *(
            None if at is None else at - now
            for at in (self._silent_until, self._dwell_until, self._home_until)
        )]  # fmt: skip
        if self.axes.held_since is not None and not self.axes.standing:
            ends.append(self.axes.ramp_s)
        return max(0.0, min((end for end in ends if end is not None), default=_FOREVER_S))

    def _blocked(self, now: float) -> bool:
        """It does not read lines now."""
        if self._silent_until is not None or self._paused:
            return True
        if self._home_until is not None:
            if now < self._home_until:
                return True
            self._homed()
        if self._dwelling is not None:
            if self.axes.blocks:
                return True
            if self._dwell_until is None:
                self._dwell_until = now + self._dwell_s / min(self.axes.speed, 10.0)
            if now < self._dwell_until:
                return True
            line, fault = self._dwelling
            self._dwelling = self._dwell_until = None
            self._ok(line, fault)
        if self._waiting is not None:
            if self.axes.full:
                return True
            line, self._waiting = self._waiting, None
            self._carry_out(line)
            return self._blocked(now)
        return False

    def _next_line(self) -> str | None:
        ends = [at for at in (self._ring.find(b"\n"), self._ring.find(b"\r")) if at >= 0]
        if not ends:
            return None
        at = min(ends)
        line, end = bytes(self._ring[:at]), self._ring[at]
        del self._ring[: at + 1]
        second = end == 0x0A and self._last_was_cr and not line
        self._last_was_cr = end == 0x0D
        if second and self._firmware.one_ok_for_crlf:
            return self._next_line()
        return line.decode("latin-1")

    def _carry_out(self, raw: str) -> None:
        line = "".join(_COMMENT.sub("", raw).split()).upper()
        if raw.lstrip().startswith("$"):
            self._sticky = 0
            self._dollar(line)
            return
        if not line and not raw.strip():
            self._sticky = 0
        if self._sticky:
            self._error(self._sticky, raw)
            return
        if (line and self._alarm) or self._jogging:
            self._error(9, raw)
            return
        error = self._gcode(line, raw)
        if error:
            self._sticky = error if self._firmware.sticky_errors else 0
            self._error(error, raw)

    def _gcode(self, line: str, raw: str) -> int:
        """0, or the number of the error. Answers lines that are right, now or later."""
        words = _WORD.findall(line)
        if "".join(letter + number for letter, number in words) != line:
            return 2 if line[:1].isalpha() else 1
        codes = [_plain(number) for letter, number in words if letter == "G"]
        values = {letter: float(number) for letter, number in words if letter not in "GM"}
        if not _KNOWN_G.issuperset(codes) or not _KNOWN_M.issuperset(
            _plain(number) for letter, number in words if letter == "M"
        ):
            return 20
        target = [values.get(axis) for axis in "XYZ"]
        motions = [code for code in codes if code in ("0", "1", "2", "3")]
        moves = any(value is not None for value in target) and not {"4", "10", "92"} & set(codes)
        if moves and self.axes.full:
            # the planner has no room: nothing of the line is in effect yet
            self._waiting = raw
            return 0
        if (
            (motions or [self._motion])[-1] != "0"
            and moves
            and not (values.get("F") or self._feed_mm_s)
        ):
            return 22
        self._set_modes(codes, motions, values)
        if "4" in codes:
            self._dwell_s = values.get("P", 0.0)
            self._dwelling = (raw, self._fault(raw))
            return 0
        if any(letter == "M" and _plain(number) == "0" for letter, number in words):
            self.axes.hold()
            self._paused = True
        if moves:
            unit = 25.4 if self._inches else 1.0
            self._move(target, self._relative, unit, raw)
        self._ok(raw, self._fault(raw))
        return 0

    def _set_modes(self, codes: list[str], motions: list[str], values: dict[str, float]) -> None:
        if motions:
            self._motion = motions[-1]
        for code in codes:
            if code in ("90", "91"):
                self._relative = code == "91"
            if code in ("20", "21"):
                self._inches = code == "20"
        if "F" in values:
            self._feed_mm_s = values["F"] * (25.4 if self._inches else 1.0) / 60

    def _move(
        self, target: list[float | None], relative: bool, unit: float, raw: str, feed: float = 0.0
    ) -> None:
        start = self.axes.planned
        end: Point = (
            _to(start[0], target[0], relative, unit),
            _to(start[1], target[1], relative, unit),
            _to(start[2], target[2], relative, unit),
        )
        rapid = self._motion == "0" and not feed
        self.axes.plan(end, _RAPID_MM_S if rapid else feed or self._feed_mm_s, raw)

    def _dollar(self, line: str) -> None:
        idle = not self.axes.blocks
        fault = self._fault(line)
        if line.startswith("$J="):
            self._jog(line, fault)
        elif line in ("$#", "$G"):
            if line == "$G":
                self.say("[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]")
            else:
                self.say("[G54:0.000,0.000,0.000]")
                self.say("[PRB:0.000,0.000,0.000:0]")
            self._ok(line, fault)
        elif line == "$X":
            if self._alarm:
                self._alarm = False
                self.say(self._firmware.unlocked)
            self._ok(line, fault)
        elif not idle:
            self._error(8, line)
        elif line == "$I":
            for text in self._firmware.identity:
                self.say(text)
            self._ok(line, fault)
        elif line == "$$":
            self.say("$10=1")
            self.say(f"$22={int(self.homing)}")
            self._ok(line, fault)
        elif line.startswith("$H"):
            self._home(line, fault)
        else:
            self._error(3, line)

    def _jog(self, line: str, fault: Fault | None) -> None:
        words = dict(_WORD.findall(line[3:]))
        if self._alarm or (self.axes.blocks and not self._jogging):
            self._error(9 if self._alarm else 8, line)
            return
        self._jogging = True
        target = [float(words[axis]) if axis in words else None for axis in "XYZ"]
        self._move(target, "G91" in line, 1.0, line, feed=float(words.get("F", 600)) / 60)
        self._ok(line, fault)

    # -- homing ----------------------------------------------------------------------------------

    def _home(self, line: str, fault: Fault | None) -> None:
        if not self.homing:
            self._error(5, line)
            return
        self._home_until = self.now() + _HOMING_S / min(self.axes.speed, 10.0)
        self._home_line = (line, fault)

    def _homed(self) -> None:
        self._home_until = None
        if not self.homing_fails:
            self.axes.position = (0.0, 0.0, 0.0)
            self._alarm = False
            self._ok(*self._home_line)
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

    def _report(self) -> None:
        if self._home_until is not None and not self._firmware.reports_while_homing:
            return
        x, y, z = self.axes.position
        moving = bool(self.axes.blocks)
        fields = [self._state(), f"MPos:{x:.3f},{y:.3f},{z:.3f}"]
        if self._firmware.sticky_errors:
            fields.append(f"Bf:{100 - len(self.axes.blocks)},{1023 - len(self._ring)}")
        fields.append(f"FS:{int(self._feed_mm_s * 60) if moving else 0},0")
        if self._reports % 20 == 0:
            fields.append("WCO:0.000,0.000,0.000")
        elif self._reports % 20 == 1:
            fields.append("Ov:100,100,100")
        self._reports += 1
        self.say(f"<{'|'.join(fields)}>")

    def _state(self) -> str:
        if self._home_until is not None:
            return "Home"
        if self._alarm:
            return "Alarm"
        if self._paused or self.axes.held_since is not None:
            return "Hold:0" if self.axes.standing or not self.axes.blocks else "Hold:1"
        if self._jogging:
            return "Jog"
        return "Run" if self.axes.blocks else "Idle"


_URGENT = re.compile(rb"[?!~\x18\x80-\xff]")


def _plain(number: str) -> str:
    return f"{float(number):g}"


def _to(start: float, target: float | None, relative: bool, unit: float) -> float:
    if target is None:
        return start
    return start + target * unit if relative else target * unit
