"""Programs of G-code."""

from __future__ import annotations

from robotq.drivers.simulator.machine import Machine
from robotq.drivers.simulator.stepping import run_lines
from robotq.drivers.steps.values import program_lines
from robotq.model.json import JsonObject


def run_gcode(m: Machine) -> JsonObject:
    """RUN_GCODE: the lines of a program, one after the other."""
    params = m.params.whole
    lines = list(program_lines(params.get("program") if isinstance(params, dict) else None))
    with m.step("RUNNING", lines=len(lines)):
        run_lines(m, lines)
    return {"lines": len(lines)}
