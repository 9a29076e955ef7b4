"""The `options` of a robot with a controller of the GRBL family.

Those of its port (see `drivers.transport.options`), and

- `homing_required` (true): no motion before HOME was carried out since the link was made.
- `window`: `count` (as many characters as the controller has room for, the default) or `line`
  (each line waits for the answer to the one before it).
- `receive_bytes`: room for characters, where the controller says it wrongly.
- `answer_timeout_s` (5): how long a line may stay without an answer while the robot stands.
- `silence_s` (3): how long the controller may say nothing at all.
- `homing_timeout_s` (120), `stop_timeout_s` (8).
- `deny`: codes that programs must not hold, such as [M3, M4], besides those that change what
  the controller has stored.
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

from robotq.drivers.gcode.options import GcodeOptions, block_delete, denied, read_shared
from robotq.drivers.gcode.reader.dialects.grbl import FAMILY
from robotq.drivers.gcode.reader.lines import LETTERS
from robotq.drivers.gcode.written import Reading, why_refused
from robotq.drivers.reading import Section
from robotq.steps.reader import DOLLAR_QUERIES

_PROBE = re.compile(r"G38\.[2-5]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrblOptions(GcodeOptions):
    line_by_line: bool
    receive_bytes: int | None
    silence_s: float
    feed: float | None

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
    more = denied(section)
    slash = block_delete(section)
    feed = section.number("feed", least=0, default=0.0)
    read = GrblOptions(
        rules=FAMILY.for_operator(block_delete=slash),
        program_rules=FAMILY.for_programs(block_delete=slash, denied=more),
        line_by_line=section.text("window", of=("count", "line"), default="count") == "line",
        receive_bytes=receive or None,
        silence_s=section.number("silence_s", above=0, default=3.0),
        feed=feed or None,
        **read_shared(
            section,
            answer_timeout_s=5.0,
            homing_timeout_s=120.0,
            off=FAMILY.off,
            off_rules=replace(FAMILY.for_operator(), letters=LETTERS),
        ),
    )
    if receive and not 16 <= receive <= 65_536:
        section.refuse("receive_bytes", f"found {receive}, expected 16 to 65536")
    section.end()
    return read
