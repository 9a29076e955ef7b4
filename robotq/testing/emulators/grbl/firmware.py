"""What differs between the firmwares of the GRBL family."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Dialect(StrEnum):
    GRBL = "grbl"
    GRBLHAL = "grblhal"
    FLUIDNC = "fluidnc"


_ACCELERATIONS = ("$120=500.000", "$121=500.000", "$122=200.000")
"""mm/s^2. The emulated axes are faster than that: they have no ramps but at a stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    greeting: str
    end: bytes
    receive_bytes: int
    identity: tuple[str, ...]
    unlock: str | None
    unlocked: str
    reports_while_homing: bool
    one_ok_for_crlf: bool
    sticky_errors: bool
    longest: tuple[int, int]
    """Characters of a line, and the error for a longer one."""
    explains_errors: bool
    """It says a word more behind each error."""
    silence_s: float
    """After a reset in motion."""
    tells_accelerations: bool = True
    """Among its settings; FluidNC has them in its file."""

    def tells(
        self, line: str, *, homing: bool, inches: bool = False, name: str = "", modes: str = ""
    ) -> tuple[str, ...] | None:
        """What it says before the answer to a question; None where it is none."""
        match line:
            case "$G":
                return (f"[GC:{modes}]",)
            case "$#":
                return ("[G54:0.000,0.000,0.000]", "[PRB:0.000,0.000,0.000:0]")
            case "$I":
                version, *rest = self.identity
                return (version.replace(":]", f":{name}]"), *rest)
            case "$$":
                settings = ("$10=1", f"$13={int(inches)}", f"$22={int(homing)}")
                return (*settings, *_ACCELERATIONS) if self.tells_accelerations else settings
            case _:
                return None


FIRMWARE = {
    Dialect.GRBL: Firmware(
        greeting="Grbl 1.1h ['$' for help]",
        end=b"\r\n",
        receive_bytes=127,
        identity=("[VER:1.1h.20190825:]", "[OPT:V,15,128]"),
        unlock="[MSG:'$H'|'$X' to unlock]",
        unlocked="[MSG:Caution: Unlocked]",
        reports_while_homing=False,
        one_ok_for_crlf=False,
        sticky_errors=False,
        longest=(79, 11),
        explains_errors=False,
        silence_s=0.5,
    ),
    Dialect.GRBLHAL: Firmware(
        greeting="GrblHAL 1.1f ['$' or '$HELP' for help]",
        end=b"\r\n",
        receive_bytes=1023,
        identity=("[VER:1.1f.20260817:]", "[OPT:VNMPHSL2,100,1024,3,0]", "[FIRMWARE:grblHAL]"),
        unlock="[MSG:'$H'|'$X' to unlock]",
        unlocked="[MSG:Caution: Unlocked]",
        reports_while_homing=True,
        one_ok_for_crlf=True,
        sticky_errors=True,
        longest=(256, 11),
        explains_errors=False,
        silence_s=0.1,
    ),
    Dialect.FLUIDNC: Firmware(
        greeting="Grbl 4.0 [FluidNC v4.0.5-pre2 (linux-capture) '$' for help]",
        end=b"\n",
        receive_bytes=255,
        identity=("[VER:4.0 FluidNC v4.0.5-pre2:]", "[OPT:PHS]"),
        unlock=None,
        unlocked="[MSG:INFO: Caution: Unlocked]",
        reports_while_homing=False,
        one_ok_for_crlf=False,
        sticky_errors=False,
        longest=(255, 14),
        explains_errors=True,
        silence_s=0.5,
        tells_accelerations=False,
    ),
}
