"""What is known about one `cmd_type`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from robotq.model.carried.program import CARRIED_OUT_BY, PROGRAM
from robotq.model.json import JsonObject
from robotq.model.task import Kind
from robotq.steps import Program
from robotq.steps.uses import programs_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    cmd_type: str
    kind: Kind = Kind.QUEUED
    title: Mapping[str, str] = field(default_factory=dict)
    """Language -> a few words."""
    schema: JsonObject = field(default_factory=dict)
    """JSON Schema of `params`; top-level defaults are filled in."""
    timeout_s: float = 600.0
    """Limit of the whole command; on simulated robots in motion time."""
    idempotent: bool = False
    """May be run again by itself after the daemon died while it ran."""
    approval: bool = False
    """Waits for a person's approval where an agent submits it."""
    resources: tuple[str, ...] = ()
    """Places that the command goes to; `{name}` stands for a parameter. All of their
    resources are taken before it starts."""
    robots: tuple[str, ...] = ()
    """Robots that can do it. Empty: all."""
    handler: str = "driver"
    """Who carries it out: `driver`, or a part of the engine by name, e.g. `manual_step`."""
    example: JsonObject | None = None
    """A command file that works, for docs and forms."""
    steps: Mapping[str, Program] = field(default_factory=dict)
    """Robot -> what it does for this command, where its driver works by steps; `*` for every
    robot that is not named."""

    def program(self, robot: str) -> Program | None:
        """The steps of this command on `robot`; None where none were written for it."""
        return self.steps.get(robot) or self.steps.get("*")

    def programs(self, robot: str) -> tuple[str, ...]:
        """The parameters that are programs of G-code."""
        steps = self.program(robot)
        if steps is not None:
            return programs_of(steps)
        known = self.handler == "driver" and self.cmd_type == CARRIED_OUT_BY
        return (PROGRAM,) if known and PROGRAM in self.schema.get("properties", {}) else ()
