"""Options that all drivers for G-code share."""

from __future__ import annotations

import re
from collections.abc import Sequence

from robotq.drivers.base import DriverError
from robotq.drivers.gcode.lines import Rules, prepare
from robotq.drivers.reading import Section

_CODE = re.compile(r"[GM](0|[1-9][0-9]{0,3})(\.[0-9]{1,2})?")


def denied(section: Section) -> dict[str, str]:
    """The codes under `deny`, which no program may hold. Raises ConfigError."""
    codes = section.texts("deny", default=())
    for code in codes:
        if not _CODE.fullmatch(code):
            section.refuse("deny", f"found {code!r}, expected codes such as M3 or G28.1")
    return dict.fromkeys(codes, "the configuration of this robot denies it")


def block_delete(section: Section) -> str:
    """What becomes of lines that begin with `/`. Raises ConfigError."""
    return section.text("block_delete", of=("refuse", "skip", "run"), default="refuse")


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
