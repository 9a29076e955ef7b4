"""What is known of a functional unit of LADS: where its nodes are, and how they have changed."""

from __future__ import annotations

import datetime as dt
import struct
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MACHINE, PROGRAM = "FunctionalUnitState", "ProgramManager/ActiveProgram"
PATHS: Mapping[str, str] = {
    "machine": MACHINE,
    "state": f"{MACHINE}/0:CurrentState/0:Id",
    "inner": f"{MACHINE}/RunningStateMachine/0:CurrentState/0:Id",
    **{name: f"{MACHINE}/{name}" for name in ("StartProgram", "Stop", "Abort", "Clear")},
    "run": f"{PROGRAM}/DeviceProgramRunId",
    "step": f"{PROGRAM}/CurrentStepName",
    "runtime": f"{PROGRAM}/CurrentRuntime",
    "whole": f"{PROGRAM}/EstimatedRuntime",
    "results": "ProgramManager/ResultSet",
}
LOOKED = ("boot", "state", "inner", "run", "step", "runtime", "whole")
MOST_CHANGES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A unit at one moment. What it does not tell, or does not know now, is empty."""

    boot: str
    """When its server was started."""
    state: str
    """Stopped, Running, Stopping, Aborting, Aborted, Clearing."""
    inner: str
    """While it is running, such as Execute and Complete."""
    run: str
    """DeviceProgramRunId of the active program."""
    step: str
    fraction: float | None


class Found:
    """The nodes of a unit. Who needs them first looks for them, so that a stop needs one call."""

    def __init__(self) -> None:
        self.ids: Mapping[str, Any] = {}
        """The id of each that is there."""
        self.names: dict[Any, str] = {}
        """Browse names by id."""


class Changes:
    """On the thread of the connection; the library calls it by this name."""

    def __init__(self) -> None:
        self.names: Mapping[Any, str] = {}
        self.seen: deque[tuple[str, Any, dt.datetime | None]] = deque(maxlen=MOST_CHANGES)
        """Which of `names`, what it is now, and when it came to that by the clock of the device."""

    def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
        at = data.monitored_item.Value.SourceTimestamp
        self.seen.append((self.names[node.nodeid], value, at))


def packed(texts: Sequence[str]) -> bytes:
    """A structure of texts, as OPC UA writes it."""
    raw = [text.encode() for text in texts]
    return b"".join(struct.pack("<i", len(each)) + each for each in raw)
