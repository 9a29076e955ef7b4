"""What a PLC has stored of a request under its number."""

from __future__ import annotations

from robotq.drivers.base import DriverError, Stopped
from robotq.drivers.plc.pattern import Plc, judge
from robotq.drivers.plc.ready import PlcProgram
from robotq.drivers.settling import Settled


def settled_by_number(
    plc: Plc, program: PlcProgram, number: int, boot_node: str | None, boot_then: str
) -> Settled:
    """`boot_then`: what `boot_node` had when it was begun."""
    pattern = program.pattern
    assert pattern is not None
    asked = [name for name in (pattern.start, pattern.done, boot_node) if name is not None]
    seen = plc.read(asked)
    boot = "" if boot_node is None else str(seen[boot_node])
    if boot != boot_then:
        return Settled.unknown("the PLC has started anew")
    if seen[pattern.start] != number:
        return Settled.unknown(f"{pattern.start} is {seen[pattern.start]}, not {number}")
    if seen[pattern.done] != number:
        return Settled.running(id=str(seen[pattern.start]), boot=boot)
    if pattern.outcome is None:
        return Settled.unknown("the PLC does not store how it ended: expected `outcome`")
    stored = plc.read({*pattern.results, pattern.outcome.node})
    if plc.read(asked) != seen:
        return Settled.unknown("it has changed while it was read")
    told = str(seen[pattern.done])
    result = program.told(stored)
    try:
        judge(pattern.outcome, stored[pattern.outcome.node])
    except Stopped:
        return Settled.stopped(id=told, boot=boot)
    except DriverError as error:
        # what stood in the results before its start, nobody knows any more
        device = {"outcome": stored[pattern.outcome.node]}
        return Settled.failed(str(error), id=told, boot=boot, device=device)
    return Settled.completed(result, id=told, boot=boot)
