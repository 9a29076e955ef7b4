"""Marlin 2.1.2, as far as a host can tell.

Numbers, checksums, buffer sizes and the order of answers are those that were observed on builds
for an ATmega2560 and for Linux, and those of Marlin's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from robotq.testing.emulators.device import Device
from robotq.testing.emulators.faults import Fault, Faults
from robotq.testing.emulators.marlin.blocking import FOREVER_S, Blocking
from robotq.testing.emulators.marlin.emergency import EmergencyParser
from robotq.testing.emulators.marlin.firmware import BOOT, SILENT_OK, SWITCHES, UUID, identity, read
from robotq.testing.emulators.marlin.intake import Intake
from robotq.testing.emulators.marlin.motions import Motions

_BUSY_S = 2.0
_HOMING_S = 0.4
_CLEANING_S = 0.96
"""A quick stop drops what is planned, and waits for so long before anything else is done. What
waited for room in the planner, or came behind it, is carried out after that, as in 8 of 8 stops."""
_ONE_STOP_S = 0.02
"""Quick stops in this time are one. One that comes later, while the first one waits, has its
effect at its end: after one line, or as much of an arc as fits, was planned, and before it moves.
So a second stop takes the line away that waited, as seen in 4 of 4, and not the next ones."""
_KILL_S = 0.8
"""It says that it has halted, and moves on for so long (0.6 to 1.1 s were seen)."""


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
        uuid: str = UUID,
        lacks: Collection[str] = (),
    ) -> None:
        """`lacks`: codes that this build does not know."""
        super().__init__(link, faults)
        self._motions = Motions(speed)
        self.axes = self._motions.axes
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
        self._blocking = Blocking(self.axes, busy_s, self.say)
        self._lacks = frozenset(lacks)
        self.intake = Intake(self.say)
        """What has come and was not carried out yet."""
        self._emergencies = EmergencyParser()
        self._clean_until = 0.0
        self._stopped_at = -FOREVER_S
        """When the first of the quick stops came that go on."""
        self._stop_again = False
        """A quick stop came while another one waited."""
        self._dead_at = 0.0
        """When it moves no more after it has said that it has halted."""
        self.on: dict[str, float] = {}
        """What is switched on, and how much: spindle, fan, nozzle, bed."""

    @property
    def overflowed(self) -> int:
        """Bytes for which there was no room."""
        return self.intake.overflowed

    def boot(self) -> None:
        self._motions.boot()
        self.intake.clear()
        self._partial.clear()
        self._blocking.clear()
        self._stop_again = False
        self._clean_until = 0.0
        self._emergencies = EmergencyParser()
        self.on.clear()
        self.halted = False
        for text in BOOT:
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
            self._blocking.user_is_there()
        elif code == "M410":
            if self.now() >= self._clean_until:
                self._quick_stop()
            elif self.now() - self._stopped_at > _ONE_STOP_S:
                self._stop_again = True

    def _quick_stop(self) -> None:
        self._motions.drop()
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
            if self._blocking:
                over = self._blocking.over(now)
                if self._stop_again:
                    self._quick_stop()
                elif not over:
                    return self._blocking.left_s(now)
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
            self._blocking.begins(now)
            self._carry_out(line)
        return self.axes.next_event_s() or FOREVER_S

    # -- commands --------------------------------------------------------------------------------

    def _carry_out(self, line: str) -> None:  # noqa: C901, PLR0912, PLR0915 - one case for each code
        code, values = read(line)
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
                self._blocking.after_motion(seconds, lambda: self._done(line, fault))
            case "G28":
                self._home(line, fault)
            case "G90" | "G91" | "G20" | "G21" as mode:
                self._motions.take_mode(mode)
                self._done(line, fault)
            case switch if switch in SWITCHES:
                what, most = SWITCHES[switch]
                self.on.pop(what, None)
                if values.get("S", most):
                    self.on[what] = values.get("S", most)
                self._done(line, fault)
            case "G92":
                self._motions.shift(values)
                self._done(line, fault)
            case "M92" if not values:
                self.say("echo:; Steps per unit:")
                self.say(self._motions.steps)
                self._done(line, fault)
            case "M400":
                self._blocking.after_motion(0.0, lambda: self._done(line, fault))
            case "M0" | "M1":
                seconds = values.get("S", values.get("P", 0.0) / 1000)
                self._blocking.pause(seconds, lambda: self._done(line, fault))
            case "M410" if not self.emergency_parser:
                self._motions.drop()
                self._blocking.after_motion(0.0, lambda: self._done(line, fault))
            case "M410":
                # it was seen when it came
                self._done(line, fault)
            case "M112":
                self.stops.append((self.now(), "M112"))
                self._kill("M112 Shutdown")
            case "M105":
                self._done(line, fault, "ok T:20.00 /0.00 B:20.00 /0.00 @:0 B@:0")
            case "M114":
                self.say(self._motions.position)
                self._done(line, fault)
            case "M115":
                can = self.emergency_parser
                for text in identity(self.machine, self.uuid, emergency_parser=can):
                    self.say(text)
                self._done(line, fault)
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
            case known if known in SILENT_OK:
                self._done(line, fault)
            case _:
                self.say(f'echo:Unknown command: "{line}"')
                self.answer("ok", fault)

    def _move(self, motion: str, line: str, values: dict[str, float], fault: Fault | None) -> None:
        if motion in ("G2", "G3") and not {"I", "J", "R"} & set(values):
            self.say("Error:G2/G3 bad parameters")
            self.answer("ok", fault)
            return
        ends = self._motions.way(motion, values)

        def planned(_: float) -> bool:
            while ends:
                if self.axes.full:
                    return False
                self._motions.plan(ends.pop(0), line)
            return True

        if planned(0.0):
            self._done(line, fault)
        else:
            self._blocking.until(planned, lambda: self._done(line, fault))

    def given(self, line: str) -> None:
        """It has this line from elsewhere: its card, its display, another program."""
        self.order(lambda: self.take(line.encode() + b"\n"))

    def press_button(self) -> None:
        """Somebody presses the button at the machine."""

        self.order(self._blocking.user_is_there)

    def _home(self, line: str, fault: Fault | None) -> None:
        def homed() -> None:
            if self.homing_fails:
                self._kill("Homing Failed")
                return
            self._motions.at_zero()
            self.say(self._motions.position)
            self._done(line, fault)

        self._blocking.after_motion(_HOMING_S / min(self.axes.speed, 10.0), homed)

    def _done(self, line: str, fault: Fault | None, answer: str = "ok") -> None:
        self.taken.append(line)
        if not self.befallen(fault):
            self.answer(answer, fault)

    def _kill(self, reason: str) -> None:
        self.halted = True
        self._dead_at = self.now() + _KILL_S
        self.say(f"echo:{reason}")
        self.say("Error:Printer halted. kill() called!")
