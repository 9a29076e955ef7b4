"""The `options` of a robot with Marlin as its controller.

Those of its port (see `drivers.transport.options`), and

- `homing_required` (true): no motion before HOME was carried out since the link was made.
- `window` (1): lines that may be on their way at once, where the firmware can be stopped out of
  band; elsewhere it is one motion. More than one is for links that answer late. On a wire that
  damages bytes it is a danger: Marlin throws away what follows a damaged line, and takes the end
  of a line that it has thrown away half of for a whole one, without number and checksum.
- `hold_within_s` (no bound): a hold takes no longer than so many seconds until the robot stands, or
  one motion where that is longer: no more than that is planned ahead, as far as ways and feeds say,
  and the robot stands for a moment in between. Without it up to 16 motions are carried out first.
- `emergency` (`M410`): what an emergency stop sends. M112 switches the motors off, and the
  controller has to be restarted; M410 stops the motion and keeps the motors on, so that an arm
  does not fall.
- `answer_timeout_s` (10): how long the controller may say nothing while a line is on its way; a
  quarter of it, or 2.5 s, after the last word it is asked how far it has got.
- `homing_timeout_s` (180), `stop_timeout_s` (8).
- `dialect` (`auto`): `marlin` or `reprap`; `auto`: by the name with which it answers M115.
- `deny`: codes that programs must not hold, besides those that stop the conversation or change
  what the controller has stored.
- `allow`: codes that programs may hold although they are refused otherwise, because only some
  builds know them, or because they change more than one command.
- `translate`: code -> null, a line or a list of lines that are sent in its place, such as
  {M6: M0, M201: null}.
- `modes` (`known`): each command begins in millimetres, with absolute coordinates. `keep`: in
  whatever the command before has left.
- `block_delete` (`refuse`): lines of a program that begin with `/`: `refuse`, `skip`, or `run`.
- `after_failure` ([M5, M107, M104 S0, M140 S0]): lines for a controller whose command was stopped
  or has failed; one that it does not know is logged and passed over.
- `scanner`: the port of a barcode scanner, see docs/drivers/scanner.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robotq.drivers.gcode.options import GcodeOptions, read_shared, read_site
from robotq.drivers.gcode.programs.written import Reading, why_refused
from robotq.drivers.gcode.reader.dialect import Dialect
from robotq.drivers.gcode.reader.dialects.marlin import DIALECTS, MARLIN
from robotq.drivers.reading import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class MarlinOptions(GcodeOptions):
    window: int
    hold_within_s: float | None
    emergency: str
    dialect: Dialect | None
    """Which one it is, where the configuration says so."""

    def reading(self) -> Reading:
        return Reading(
            rules=self.rules,
            program_rules=self.program_rules,
            query=lambda line: why_refused([line], self.rules),
        )


def read_options(robot: str, options: Mapping[str, Any]) -> MarlinOptions:
    """Raises ConfigError."""
    section = Section(options, lambda _: f"robots.{robot}.options")
    known = section.text("dialect", of=("auto", *DIALECTS), default="auto")
    dialect = MARLIN if known == "auto" else DIALECTS[known]
    site = read_site(section, dialect)
    read = MarlinOptions(
        rules=dialect.for_operator(site),
        program_rules=dialect.for_programs(site),
        dialect=None if known == "auto" else dialect,
        window=section.whole("window", least=1, most=8, default=1),
        hold_within_s=(
            section.number("hold_within_s", above=0, default=1.0)
            if "hold_within_s" in section.names()
            else None
        ),
        emergency=section.text("emergency", of=("M112", "M410"), default="M410"),
        **read_shared(
            section,
            answer_timeout_s=10.0,
            homing_timeout_s=180.0,
            off=dialect.off,
            off_rules=dialect.for_operator(site),
        ),
    )
    section.end()
    return read
