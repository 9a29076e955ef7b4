"""Options that all drivers for G-code share."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from robotq.drivers.base import DriverError
from robotq.drivers.gcode.jogging import JogOptions, WorkArea, read_area, read_jog
from robotq.drivers.gcode.programs.written import (
    Reading,
    StepFault,
    lacks,
    why_refused,
    wrong_steps,
)
from robotq.drivers.gcode.reader.dialect import Dialect, Site
from robotq.drivers.gcode.reader.lines import Rules, prepare
from robotq.drivers.gcode.reader.translate import example
from robotq.drivers.reading import Section
from robotq.drivers.scanner import ScannerOptions, read_scanner_options
from robotq.drivers.transport import PortOptions, read_port_options
from robotq.steps import Program

_AXIS = re.compile(r"[ABCUVW]")
_CODE = re.compile(r"[GMT](0|[1-9][0-9]{0,4})(\.[0-9]{1,2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class GcodeOptions(ABC):
    """What the drivers ask for; a firmware adds its own."""

    port: PortOptions
    rules: Rules
    """For lines of the operator."""
    program_rules: Rules
    """For programs that come from a client."""
    homing_required: bool
    answer_timeout_s: float
    homing_timeout_s: float
    stop_timeout_s: float
    keep_modes: bool
    after_failure: tuple[str, ...]
    scanner: ScannerOptions | None
    jog: JogOptions
    work_area: WorkArea

    @abstractmethod
    def reading(self) -> Reading:
        """By which rules the steps of an operator are read."""

    def lacks(self, cmd_type: str, program: Program | None) -> str | None:
        """It does what steps are written for, and tells how it moves."""
        return (
            None if cmd_type == MOTION_STATE else lacks(program, scanner=self.scanner is not None)
        )

    def wrong_steps(self, program: Program) -> Iterator[StepFault]:
        """Which steps it would refuse."""
        return wrong_steps(program, self.reading())


MOTION_STATE = "GET_ROBOT_MOTION_STATE"


class Shared(TypedDict):
    """The fields of GcodeOptions beside the rules."""

    port: PortOptions
    homing_required: bool
    answer_timeout_s: float
    homing_timeout_s: float
    stop_timeout_s: float
    keep_modes: bool
    after_failure: tuple[str, ...]
    scanner: ScannerOptions | None
    jog: JogOptions
    work_area: WorkArea


def read_shared(
    section: Section,
    *,
    answer_timeout_s: float,
    homing_timeout_s: float,
    off: Sequence[str],
    off_rules: Rules,
) -> Shared:
    """The options that all drivers for G-code have, with these defaults. Raises ConfigError."""
    return {
        "port": read_port_options(section, tells_identity=True),
        "homing_required": section.flag("homing_required", default=True),
        "answer_timeout_s": section.number("answer_timeout_s", above=0, default=answer_timeout_s),
        "homing_timeout_s": section.number("homing_timeout_s", above=0, default=homing_timeout_s),
        "stop_timeout_s": section.number("stop_timeout_s", above=0, default=8.0),
        "keep_modes": section.text("modes", of=("known", "keep"), default="known") == "keep",
        "after_failure": after_failure(section, off_rules, default=off),
        "scanner": read_scanner_options(section),
        "jog": read_jog(section),
        "work_area": read_area(section),
    }


def read_site(section: Section, dialect: Dialect) -> Site:
    """What the configuration says about programs: `deny`, `allow`, `translate`, `block_delete`.
    Raises ConfigError."""
    site = Site(
        block_delete=section.text("block_delete", of=("refuse", "skip", "run"), default="refuse"),
        denied=dict.fromkeys(_codes(section, "deny"), "the configuration of this robot denies it"),
        allowed=frozenset(_codes(section, "allow", axes=True)),
    )
    for code in site.allowed:
        if code in dialect.own:
            section.refuse("allow", f"found {code}, which nobody may send: {dialect.own[code]}")
        if code in site.denied:
            section.refuse("allow", f"found {code}, which stands under deny too")
    return replace(site, translated=_translations(section, dialect.for_operator(site)))


def _codes(section: Section, key: str, *, axes: bool = False) -> tuple[str, ...]:
    codes = section.texts(key, default=())
    for code in codes:
        if not _CODE.fullmatch(code) and not (axes and _AXIS.fullmatch(code)):
            section.refuse(key, f"found {code!r}, expected codes such as M3 or G28.1")
    return codes


def _translations(section: Section, rules: Rules) -> dict[str, tuple[str, ...]]:
    if "translate" not in section.names():
        return {}
    inner = section.section("translate")
    read: dict[str, tuple[str, ...]] = {}
    for code in inner.names():
        if not _CODE.fullmatch(code) and code != "T":
            inner.refuse(code, "expected codes such as M6, M3 or T")
        read[code] = inner.lines(code)
        for line in read[code]:
            why = why_refused([example(line)], rules)
            if why is not None:
                inner.refuse(code, f"found {line!r}: {why}")
    return read


def after_failure(section: Section, rules: Rules, *, default: Sequence[str]) -> tuple[str, ...]:
    """The lines under `after_failure`, which switch off what may be on. Raises ConfigError."""
    lines = section.texts("after_failure", default=tuple(default))
    try:
        prepared = prepare(lines, rules)
    except DriverError as error:
        section.refuse("after_failure", str(error))
    for line in prepared:
        if line.motion:
            section.refuse("after_failure", f"found {line.text!r}, which moves the robot")
    return tuple(line.text for line in prepared)
