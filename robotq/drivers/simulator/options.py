"""The `options` of a simulated robot in the configuration."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from robotq.drivers.gcode.programs.written import Reading, StepFault, why_refused, wrong_steps
from robotq.drivers.reading import Section
from robotq.drivers.simulator.commands import EXECUTED, STEPS_OF_THEIR_OWN
from robotq.drivers.simulator.faults import Fault, read_faults
from robotq.drivers.simulator.lab.layout import Layout
from robotq.drivers.simulator.lab.layout_file import read_layout
from robotq.drivers.simulator.stepping import RULES
from robotq.steps import Program

NO_PART = "no part of the simulated robot, and no steps are written for it"


class SimulatorOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`lab`: the YAML file of the lab, null or absent for the packaged one; `seed`: a whole
    number from which all that varies by chance follows; `faults`: see the module `faults`."""

    layout: Layout
    seed: int
    faults: tuple[Fault, ...]

    @property
    def places(self) -> Collection[str]:
        """Those of the lab."""
        return self.layout.places

    def lacks(self, cmd_type: str, program: Program | None) -> str | None:
        return NO_PART if program is None and cmd_type not in EXECUTED else None

    def wrong_steps(self, program: Program) -> Iterator[StepFault]:
        """Which steps it would refuse."""
        reading = Reading(
            rules=RULES,
            program_rules=RULES,
            query=lambda line: why_refused([line], RULES),
            parts=EXECUTED,
        )
        return wrong_steps(program, reading)


def read_options(robot: str, options: Mapping[str, Any]) -> SimulatorOptions:
    """Raises ConfigError, also for a lab file that cannot be used or lacks the robot."""
    section = Section(options, lambda _: f"robots.{robot}.options")
    lab = section.optional_text("lab")
    layout = read_layout(None if lab is None else Path(lab))
    if robot not in layout.robots:
        known = ", ".join(layout.robots)
        section.refuse("lab", f"{layout.source} has no robot {robot}, only {known}")
    steps = {*layout.durations, *layout.actions, *STEPS_OF_THEIR_OWN}
    read = SimulatorOptions(
        layout=layout,
        seed=section.whole("seed", default=0),
        faults=read_faults(section.rows("faults", default=()), EXECUTED, steps),
    )
    section.end()
    return read
