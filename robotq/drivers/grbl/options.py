"""The `options` of a robot with a controller of the GRBL family.

Those of its port (see `drivers.transport.options`), and

- `homing_required` (true): no motion before HOME was carried out since the link was made.
- `window`: `count` (as many characters as the controller has room for, the default) or `line`
  (each line waits for the answer to the one before it).
- `receive_bytes`: room for characters, where the controller says it wrongly.
- `answer_timeout_s` (5): how long a line may stay without an answer while the robot stands.
- `silence_s` (3): how long the controller may say nothing at all.
- `homing_timeout_s` (120), `stop_timeout_s` (8).
- `dialect` (`auto`): `grbl`, `grblhal` or `fluidnc`; `auto`: the one that greets. Said here,
  programs and steps are read by its table also before the link is made.
- `deny`: codes that programs must not hold, such as [M3, M4], besides those that change what
  the controller has stored.
- `allow`: codes that programs may hold although they are refused otherwise, because the firmware
  knows them only with some option, or because they change more than one command.
- `translate`: code -> null, a line or a list of lines that are sent in its place, such as
  {M6: M0, M3: "M106 S{S}"}.
- `modes` (`known`): each command begins in millimetres, absolute, in the XY plane, with feeds per
  minute, in G54, without G92 and tool length offsets, and with no motion code in effect. `keep`:
  in whatever the command before has left.
- `feed`: mm/min in effect when a command begins, where none of its lines has named another one.
- `block_delete` (`refuse`): lines of a program that begin with `/`: `refuse`, `skip`, or `run`.
- `after_failure` ([M5, M9]): lines for a controller whose command was stopped or has failed.
- `scanner`: the port of a barcode scanner, see docs/drivers/scanner.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from robotq.drivers.gcode.options import GcodeOptions, read_shared, read_site
from robotq.drivers.gcode.programs.written import Reading, why_refused
from robotq.drivers.gcode.reader.dialect import Dialect
from robotq.drivers.gcode.reader.dialects.grbl import DIALECTS, FAMILY
from robotq.drivers.gcode.reader.lines import LETTERS
from robotq.drivers.reading import Section
from robotq.steps.actions import DOLLAR_QUERIES

_PROBE = re.compile(r"G38\.[2-5]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrblOptions(GcodeOptions):
    line_by_line: bool
    receive_bytes: int | None
    silence_s: float
    feed: float | None
    dialect: Dialect | None
    """Which one it is, where the configuration says so."""

    def reading(self) -> Reading:
        """Which descendant it is, is known when it is connected."""
        rules = self.rules

        def query(line: str) -> str | None:
            if line in DOLLAR_QUERIES:
                return None
            why = why_refused([line], rules)
            if why is None and not _PROBE.search(line):
                told = f"{', '.join(DOLLAR_QUERIES)}, or a probe such as G38.2"
                why = f"this controller answers it with nothing to be read: expected {told}"
            return why

        return Reading(rules=rules, program_rules=self.program_rules, query=query)


def read_options(robot: str, options: Mapping[str, Any]) -> GrblOptions:
    """Raises ConfigError."""
    section = Section(options, lambda _: f"robots.{robot}.options")
    receive = section.whole("receive_bytes", default=0)
    known = section.text("dialect", of=("auto", *DIALECTS), default="auto")
    dialect = FAMILY if known == "auto" else DIALECTS[known]
    site = read_site(section, dialect)
    feed = section.number("feed", least=0, default=0.0)
    read = GrblOptions(
        rules=dialect.for_operator(site),
        program_rules=dialect.for_programs(site),
        dialect=None if known == "auto" else dialect,
        line_by_line=section.text("window", of=("count", "line"), default="count") == "line",
        receive_bytes=receive or None,
        silence_s=section.number("silence_s", above=0, default=3.0),
        feed=feed or None,
        **read_shared(
            section,
            answer_timeout_s=5.0,
            homing_timeout_s=120.0,
            off=dialect.off,
            off_rules=replace(dialect.for_operator(site), letters=LETTERS),
        ),
    )
    if receive and not 16 <= receive <= 65_536:
        section.refuse("receive_bytes", f"found {receive}, expected 16 to 65536")
    section.end()
    return read
