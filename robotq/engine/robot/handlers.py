"""Who carries out a command: the driver, or a part of the engine by name."""

from __future__ import annotations

from collections.abc import Iterable

from robotq.catalog import CommandSpec, Kind
from robotq.model.errors import ConfigError

MANUAL_STEP = "manual_step"
"""A person does it: it has an item on the checklist."""

QUEUED = frozenset({"driver", MANUAL_STEP})
"""What may stand as `handler` of a queued command."""

IMMEDIATE = frozenset(
    {
        "driver",
        "answer",
        "answer_any",
        "start_working",
        "stop_working",
        "reset_system",
        "task_state",
        "hold_motion",
        "resume_motion",
    }
)
"""What may stand as `handler` of an immediate command."""


CONTROL = frozenset(
    {"start_working", "stop_working", "reset_system", "hold_motion", "resume_motion"}
)
"""Of these, what lets a robot go on or keeps it from that: only under a kind that asks for the
right to."""


def check_handlers(specs: Iterable[CommandSpec]) -> None:
    """Raises ConfigError for a handler that does not exist, and names what is expected."""
    for spec in specs:
        known = QUEUED if spec.kind is Kind.QUEUED else IMMEDIATE
        if spec.handler not in known:
            raise ConfigError(
                f"commands: {spec.cmd_type}.handler: found {spec.handler!r}, expected one of "
                f"{', '.join(sorted(known))} for a command of kind {spec.kind.value}"
            )
        if spec.handler in CONTROL and spec.kind is not Kind.CONTROL:
            raise ConfigError(
                f"commands: {spec.cmd_type}.kind: found {spec.kind.value!r}, expected control for "
                f"the handler {spec.handler}, so that whoever sends it needs the right to"
            )
