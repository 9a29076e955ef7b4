"""Faults that a simulated robot is told to have, to see how everything above copes.

The option `faults` is a list of mappings. Which steps a fault befalls:

- `command`: the cmd_type; absent: all.
- `step`: the step's name; absent: all.
- `nth`: only the nth time since the driver was made that such a step begins, from 1;
  absent: every time.

What happens when the step begins, before its first motion, is its `kind`:

- `fail`: the device reports a failure, with the text `reason`.
- `raise`: the driver breaks with an exception of its own; nobody knows what the robot did.
- `link_drop`: the link breaks. The next `refused_connects` (default 0) attempts to restore it
  fail.
- `pause`: the robot pauses by itself, for the given `reason`, as if somebody had pressed a button
  at it; it goes on when it is resumed.
- `stall`: nothing happens any more until the command is stopped.
- `slow`: every motion of the step takes `factor` (default 2) times as long.
- `unconfirmed_stop`: the step goes on as usual, but when the command is stopped, also by an
  emergency stop, the robot does not confirm it until it is reset.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

import msgspec

from robotq.drivers.reading import Section


class FaultKind(StrEnum):
    FAIL = "fail"
    RAISE = "raise"
    LINK_DROP = "link_drop"
    PAUSE = "pause"
    STALL = "stall"
    SLOW = "slow"
    UNCONFIRMED_STOP = "unconfirmed_stop"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    command: str | None
    step: str | None
    nth: int | None
    kind: FaultKind
    reason: str
    factor: float
    refused_connects: int


class Faults:
    """The faults of one robot, and how often the steps that they befall have begun."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.all = faults
        self._met = [(fault, [0]) for fault in faults]

    def due(self, command: str, step: str) -> list[Fault]:
        """The faults that befall this step, which begins now."""
        befalling = []
        for fault, met in self._met:
            if fault.command in (None, command) and fault.step in (None, step):
                met[0] += 1
                if fault.nth in (None, met[0]):
                    befalling.append(fault)
        return befalling


def read_faults(
    rows: list[Section], commands: Collection[str], steps: Collection[str]
) -> tuple[Fault, ...]:
    """The faults of the option; `commands` and `steps` are the names there are.

    Raises ConfigError.
    """
    return tuple(_fault(row, sorted(commands), sorted(steps)) for row in rows)


def _fault(row: Section, commands: list[str], steps: list[str]) -> Fault:
    kind = FaultKind(row.text("kind", of=tuple(FaultKind)))
    fault = Fault(
        command=row.text("command", of=commands) if "command" in row.names() else None,
        step=row.text("step", of=steps) if "step" in row.names() else None,
        nth=row.whole("nth", least=1) if "nth" in row.names() else None,
        kind=kind,
        reason=row.text("reason", default=f"injected fault: {kind}"),
        factor=row.number("factor", above=0, default=2) if kind is FaultKind.SLOW else 1,
        refused_connects=(
            row.whole("refused_connects", default=0) if kind is FaultKind.LINK_DROP else 0
        ),
    )
    row.end()
    return fault
