"""Marlin 2.1.2, as far as a host can tell.

Numbers, checksums, buffer sizes and the order of answers are those that were observed on builds
for an ATmega2560 and for Linux, and those of Marlin's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from math import ceil, dist
from pathlib import Path

from robotq.testing.emulators.device import Device
from robotq.testing.emulators.faults import Fault, Faults
from robotq.testing.emulators.marlin.emergency import EmergencyParser
from robotq.testing.emulators.marlin.intake import Intake
from robotq.testing.emulators.motion import Axes, Point

_WORD = re.compile(r"([A-Z]) *(-?(?:\d+\.?\d*|\.\d+))?")
_BUSY_S = 2.0
_HOMING_S = 0.4
_CLEANING_S = 0.96
"""A quick stop drops what is planned, and waits for so long before anything else is done. What
waited for room in the planner, or came behind it, is carried out after that, as in 8 of 8 stops."""
_ONE_STOP_S = 0.02
"""Quick stops in this time are one. One that comes later, while the first one waits, has its
effect at its end: after one line, or as much of an arc as fits, was planned, and before it moves.
So a second stop takes the line away that waited, as seen in 4 of 4, and not the next ones."""
_ARC_MM = 1.0
"""An arc is planned in pieces of this length."""
_KILL_S = 0.8
"""It says that it has halted, and moves on for so long (0.6 to 1.1 s were seen)."""
_UUID = "cede2a2f-41a2-4748-9b12-c55c62f367ff"
"""Of every build that was given none."""
_BOOT = (
    "start",
    "echo: Marlin 2.1.2",
    "echo: Last Updated: 2022-12-17",
    "echo:EEPROM version mismatch (EEPROM=?, Marlin=V86)",
    "echo:  G21    ; Units in mm (mm)",
    "echo:  M204 P3000 R3000 T3000",
)
_FOREVER_S = 3600.0
_STEPS_PER_MM = (80.0, 80.0, 400.0)
_LEAST_STEPS = 6
"""A motion of fewer steps is not planned: the next one makes up for it (MIN_STEPS_PER_SEGMENT)."""
_FIRST_MOVE_S = 0.1
"""From rest, it waits so long for more to plan (BLOCK_DELAY_FOR_1ST_MOVE)."""
_INCH_MM = 25.4
_SWITCHES = {
    "M3": ("spindle", 255.0),
    "M4": ("spindle", 255.0),
    "M5": ("spindle", 0.0),
    "M106": ("fan", 255.0),
    "M107": ("fan", 0.0),
    "M104": ("nozzle", 0.0),
    "M140": ("bed", 0.0),
}
"""Code -> what it switches, and the value without an S."""
_SILENT_OK = frozenset(
    code
    for group, numbers in {
        "G": (20, 21),
        "M": (3, 4, 5, 17, 18, 42, 75, 76, 77, 82, 83, 84, 92, 104, 106, 107, 109, 117, 140, 155,
              190, 201, 203, 204, 205, 211, 220, 221, 280, 413, 500, 501, 502, 999),
    }.items()
    for code in (f"{group}{number}" for number in numbers)
)  # fmt: skip


class MarlinEmulator(Device):
    """`speed` multiplies all motion; `emergency_parser` is the build option of this name. `busy_s`:
    how often it says that it is busy, or waits for a person (HOST_KEEPALIVE); None: never."""

    def __init__(
        self,
        link: Path,
        *,
        faults: Faults | None = None,
        speed: float = 1.0,
        emergency_parser: bool = True,
        homing_fails: bool = False,
        busy_s: float | None = _BUSY_S,
        machine: str = "Arm",
        uuid: str = _UUID,
        lacks: Collection[str] = (),
    ) -> None:
        """`lacks`: codes that this build does not know."""
        super().__init__(link, faults)
        self.axes = Axes(blocks_most=16, speed=speed, first_move_s=_FIRST_MOVE_S / min(speed, 10.0))
        self._target: Point = (0.0, 0.0, 0.0)
        """Where the last line leads to; what is planned may end a few steps before."""
        self.emergency_parser = emergency_parser
        self.homing_fails = homing_fails
        self.heard = b""
        """Every byte that has arrived."""
        self.taken: list[str] = []
        """Every command that was carried out or planned, without number and checksum."""
        self.halted = False
        self.stops: list[tuple[float, str]] = []
        """Every emergency command, and when it took effect."""
        self.machine = machine
        """MACHINE_TYPE."""
        self.uuid = uuid
        self._busy_s = busy_s
        self._lacks = frozenset(lacks)
        self.intake = Intake(self.say)
        """What has come and was not carried out yet."""
        self._emergencies = EmergencyParser()
        self._ready: Callable[[float], bool] | None = None
        """Whether the command that is carried out has ended; None where none blocks."""
        self._finish: Callable[[], None] = lambda: None
        self._blocked_since = 0.0
        self._clean_until = 0.0
        self._stopped_at = -_FOREVER_S
        """When the first of the quick stops came that go on."""
        self._stop_again = False
        """A quick stop came while another one waited."""
        self._dead_at = 0.0
        """When it moves no more after it has said that it has halted."""
        self._waits_for_user = False
        """What blocks is a pause until somebody presses the button, or M108 comes."""
        self._relative = False
        self._unit_mm = 1.0
        self._feed_mm_s = 10.0
        self.on: dict[str, float] = {}
        """What is switched on, and how much: spindle, fan, nozzle, bed."""

    @property
    def overflowed(self) -> int:
        """Bytes for which there was no room."""
        return self.intake.overflowed

    def boot(self) -> None:
        self.axes.drop()
        self.axes.position = self._target = (0.0, 0.0, 0.0)
        self.intake.clear()
        self._partial.clear()
        self._ready = None
        self._waits_for_user = False
        self._stop_again = False
        self._clean_until = 0.0
        self._emergencies = EmergencyParser()
        self._relative = False
        self._unit_mm = 1.0
        self.on.clear()
        self.halted = False
        for text in _BOOT:
            self.say(text)

    # -- bytes -----------------------------------------------------------------------------------

    def take(self, data: bytes) -> None:
        self.heard += data
        if self.halted:
            return
        if self.emergency_parser:
            for code in self._emergencies.commands(data):
                self._at_once(code)
        # the main loop takes lines out in between, where it is not blocked
        self.intake.store(data, self.work)

    def _at_once(self, code: str) -> None:
        self.axes.advance(self.now())
        self.stops.append((self.now(), code))
        if code == "M112":
            self._kill("M112 Shutdown")
        elif code == "M108":
            self._waits_for_user = False
        elif code == "M410":
            if self.now() >= self._clean_until:
                self._quick_stop()
            elif self.now() - self._stopped_at > _ONE_STOP_S:
                self._stop_again = True

    def _quick_stop(self) -> None:
        self.axes.drop()
        self._target = self.axes.position
        self._stop_again = False
        self._stopped_at = self.now()
        self._clean_until = self.now() + _CLEANING_S

    # -- the main loop ---------------------------------------------------------------------------

    def work(self) -> float:
        now = self.now()
        self.axes.advance(now)
        if self.halted:
            if now < self._dead_at:
                return self._dead_at - now
            self.axes.drop()
        while not self.halted and not self.dead:
            if now < self._clean_until:
                return self._clean_until - now
            if self._ready is not None:
                over = self._ready(now)
                if over:
                    self._ready = None
                    self._finish()
                if self._stop_again:
                    self._quick_stop()
                elif not over:
                    return self._still_blocked(now)
                continue
            if self._stop_again:
                # what comes next in the queue is planned before it is seen
                line = self.intake.next_command()
                if line is not None:
                    self._carry_out(line)
                self._quick_stop()
                continue
            line = self.intake.next_command()
            if line is None:
                break
            self._blocked_since = now
            self._carry_out(line)
        return self.axes.next_event_s() or _FOREVER_S

    def _still_blocked(self, now: float) -> float:
        busy_s = _FOREVER_S if self._busy_s is None else self._busy_s
        if now - self._blocked_since >= busy_s:
            self._blocked_since = now
            user = self._waits_for_user and not self.axes.blocks
            self.say(f"echo:busy: {'paused for user' if user else 'processing'}")
        left = self._blocked_since + busy_s - now
        return max(0.001, min(left, self.axes.next_event_s() or 0.02))

    # -- commands --------------------------------------------------------------------------------

    def _carry_out(self, line: str) -> None:  # noqa: C901, PLR0912, PLR0915 - one case for each code
        words = _WORD.findall(line)
        # what does not begin with a letter is no command, whatever comes after it
        code = _code(*words[0]) if words and _WORD.match(line) else line
        values = {letter: float(number) for letter, number in words[1:] if number}
        fault = self.faults.after(line) if self.faults else None
        if code in self._lacks:
            self.say(f'echo:Unknown command: "{line}"')
            self.answer("ok", fault)
            return
        match code.partition(".")[0]:
            case "G0" | "G1" | "G2" | "G3" as motion:
                self._move(motion, line, values, fault)
            case "G4":
                seconds = values.get("S", values.get("P", 0.0) / 1000) / min(self.axes.speed, 10.0)
                self._after_motion(line, fault, seconds)
            case "G28":
                self._home(line, fault)
            case "G90" | "G91" as mode:
                self._relative = mode == "G91"
                self._done(line, fault)
            case "G20" | "G21" as unit:
                self._unit_mm = _INCH_MM if unit == "G20" else 1.0
                self._done(line, fault)
            case switch if switch in _SWITCHES:
                self._switch(switch, values)
                self._done(line, fault)
            case "G92":
                target = _target(self._target, values, relative=False)
                self.axes.shift(_difference(target, self._target))
                self._target = target
                self._done(line, fault)
            case "M92" if not values:
                self.say("echo:; Steps per unit:")
                x, y, z = _STEPS_PER_MM
                self.say(f"echo:  M92 X{x:.2f} Y{y:.2f} Z{z:.2f} E500.00")
                self._done(line, fault)
            case "M400":
                self._after_motion(line, fault, 0.0)
            case "M0" | "M1":
                self._pause(line, values, fault)
            case "M410" if not self.emergency_parser:
                self.axes.drop()
                self._target = self.axes.position
                self._after_motion(line, fault, 0.0)
            case "M410":
                # it was seen when it came
                self._done(line, fault)
            case "M112":
                self.stops.append((self.now(), "M112"))
                self._kill("M112 Shutdown")
            case "M105":
                self._done(line, fault, "ok T:20.00 /0.00 B:20.00 /0.00 @:0 B@:0")
            case "M114":
                self._report_position()
                self._done(line, fault)
            case "M115":
                self._identify(line, fault)
            case "M110":
                number = values.get("N")
                if number is not None:
                    self.intake.last = int(number)
                self._done(line, fault)
            case tool if re.fullmatch("T[1-9][0-9]*", tool):
                self.say(f"echo:{tool} Invalid extruder")
                self._done(line, fault)
            case "M108" | "M31" | "T0":
                self._done(line, fault)
            case known if known in _SILENT_OK:
                self._done(line, fault)
            case _:
                self.say(f'echo:Unknown command: "{line}"')
                self.answer("ok", fault)

    def _switch(self, code: str, values: dict[str, float]) -> None:
        what, most = _SWITCHES[code]
        value = values.get("S", most)
        self.on.pop(what, None)
        if value:
            self.on[what] = value

    def _move(self, motion: str, line: str, values: dict[str, float], fault: Fault | None) -> None:
        if motion in ("G2", "G3") and not {"I", "J", "R"} & set(values):
            self.say("Error:G2/G3 bad parameters")
            self.answer("ok", fault)
            return
        for letter in {"X", "Y", "Z", "F"} & values.keys():
            values[letter] *= self._unit_mm
        if "F" in values:
            self._feed_mm_s = max(0.1, values["F"] / 60)

        ends: list[Point] = []
        if any(axis in values for axis in "XYZ"):
            start = self._target
            end = self._target = _target(start, values, relative=self._relative)
            pieces = 1 if motion in ("G0", "G1") else ceil(dist(start, end) / _ARC_MM) or 1
            ends = [_between(start, end, n / pieces) for n in range(1, pieces + 1)]

        def planned(_: float) -> bool:
            while ends:
                if self.axes.full:
                    return False
                self._plan(ends.pop(0), line)
            return True

        if planned(0.0):
            self._done(line, fault)
        else:
            self._ready, self._finish = planned, lambda: self._done(line, fault)

    def _plan(self, end: Point, line: str) -> None:
        if max(map(abs, _steps(self.axes.planned, end))) >= _LEAST_STEPS:
            self.axes.plan(end, self._feed_mm_s, line)

    def _after_motion(self, line: str, fault: Fault | None, seconds: float) -> None:
        """Done when nothing is planned any more, and `seconds` after that."""
        until: list[float] = []

        def ready(now: float) -> bool:
            if self.axes.blocks:
                return False
            until.append(now + seconds)
            return now >= until[0]

        self._ready, self._finish = ready, lambda: self._done(line, fault)

    def given(self, line: str) -> None:
        """It has this line from elsewhere: its card, its display, another program."""
        self.order(lambda: self.take(line.encode() + b"\n"))

    def press_button(self) -> None:
        """Somebody presses the button at the machine."""

        def press() -> None:
            self._waits_for_user = False

        self.order(press)

    def _pause(self, line: str, values: dict[str, float], fault: Fault | None) -> None:
        """What is planned is carried out first; then it waits for a person, or for a while."""
        seconds = values.get("S", values.get("P", 0.0) / 1000)
        until: list[float] = []

        def ready(now: float) -> bool:
            if self.axes.blocks:
                # nobody can end the pause before it has begun, not by M108 either
                return False
            if not until:
                until.append(now + seconds if seconds else _FOREVER_S + now)
                self._waits_for_user = True
            self._waits_for_user = self._waits_for_user and now < until[0]
            return not self._waits_for_user

        self._ready, self._finish = ready, lambda: self._done(line, fault)

    def _home(self, line: str, fault: Fault | None) -> None:
        def homed() -> None:
            if self.homing_fails:
                self._kill("Homing Failed")
                return
            self.axes.position = self._target = (0.0, 0.0, 0.0)
            self._report_position()
            self._done(line, fault)

        self._after_motion(line, fault, _HOMING_S / min(self.axes.speed, 10.0))
        self._finish = homed

    def _identify(self, line: str, fault: Fault | None) -> None:
        self.say(
            "FIRMWARE_NAME:Marlin 2.1.2 (Dec 17 2022 00:00:00) "
            "SOURCE_CODE_URL:github.com/MarlinFirmware/Marlin PROTOCOL_VERSION:1.0 "
            f"MACHINE_TYPE:{self.machine} EXTRUDER_COUNT:1 UUID:{self.uuid}"
        )
        self.say("Cap:SERIAL_XON_XOFF:0")
        self.say("Cap:AUTOREPORT_POS:1")
        self.say(f"Cap:EMERGENCY_PARSER:{int(self.emergency_parser)}")
        self._done(line, fault)

    def _report_position(self) -> None:
        """Where the last line leads to, and in steps how far it is planned."""
        x, y, z = self._target
        counts = _steps((0.0, 0.0, 0.0), self.axes.planned)
        self.say(
            f"X:{x:.2f} Y:{y:.2f} Z:{z:.2f} E:0.00 Count X:{counts[0]} Y:{counts[1]} Z:{counts[2]}"
        )

    def _done(self, line: str, fault: Fault | None, answer: str = "ok") -> None:
        self.taken.append(line)
        if not self.befallen(fault):
            self.answer(answer, fault)

    def _kill(self, reason: str) -> None:
        self.halted = True
        self._dead_at = self.now() + _KILL_S
        self.say(f"echo:{reason}")
        self.say("Error:Printer halted. kill() called!")


def _code(letter: str, number: str) -> str:
    """Codes are numbers: G00 is G0."""
    whole, point, fraction = number.partition(".")
    return f"{letter}{int(whole)}{point}{fraction}" if whole.isdigit() else letter + number


def _steps(start: Point, end: Point) -> tuple[int, ...]:
    return tuple(
        round(b * per_mm) - round(a * per_mm)
        for a, b, per_mm in zip(start, end, _STEPS_PER_MM, strict=True)
    )


def _difference(end: Point, start: Point) -> Point:
    return (end[0] - start[0], end[1] - start[1], end[2] - start[2])


def _between(start: Point, end: Point, share: float) -> Point:
    if share == 1:
        return end
    x, y, z = (a + (b - a) * share for a, b in zip(start, end, strict=True))
    return (x, y, z)


def _target(start: Point, values: dict[str, float], *, relative: bool) -> Point:
    base = start if relative else (0.0, 0.0, 0.0)
    return (
        base[0] + values["X"] if "X" in values else start[0],
        base[1] + values["Y"] if "Y" in values else start[1],
        base[2] + values["Z"] if "Z" in values else start[2],
    )
