"""The machine below the lines: power, resets, what acts at once, and people who stand beside it."""

from __future__ import annotations

import math
import re
from pathlib import Path

from robotq.testing.emulators.device import Device
from robotq.testing.emulators.faults import Faults
from robotq.testing.emulators.grbl.activity import Activity
from robotq.testing.emulators.grbl.firmware import FIRMWARE, Dialect
from robotq.testing.emulators.grbl.gcode import Modes
from robotq.testing.emulators.grbl.limits import Limits
from robotq.testing.emulators.grbl.receive import ReceiveBuffer
from robotq.testing.emulators.grbl.report import Reports
from robotq.testing.emulators.motion import Axes, Point

_URGENT = re.compile(rb"[?!~\x18\x80-\xff]")


BOOT_S = 0.03


class GrblMachine(Device):
    """`speed` multiplies all motion; `homing` is the setting $22. A subclass reads the lines."""

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

    def boot(self) -> None:
        self.axes.drop()
        self.axes.position = (0.0, 0.0, 0.0)
        self._alarm = self.homing
        self._restart()
        self._silent_until = self.now() + BOOT_S

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
        silence = BOOT_S
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

    # -- reports ---------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        self._send(text.encode("latin-1") + self._firmware.end)

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
