"""What all executors work with."""

from __future__ import annotations

from typing import Protocol

import msgspec

from robotq.engine.artifacts.keeping import Keeper
from robotq.engine.commit.commit import Commit
from robotq.engine.holds.board import HoldBoard
from robotq.engine.intake.programs import Programs
from robotq.engine.queue.claims import Claims
from robotq.engine.settings import Settings
from robotq.engine.signals import Signals
from robotq.engine.state.resources import Resources
from robotq.engine.waiting.cancelling import Cancelling
from robotq.engine.waiting.fitting import Fitting
from robotq.model.clock import WallClock
from robotq.model.task import DeviceRun, Task


class Tenancy(Protocol):
    """Whoever keeps the lease of a robot that two machines can reach. What is said here is known to
    whoever takes over."""

    async def may_begin(self, task: Task) -> str | None:
        """Say that this claimed task is about to begin. Why it may not; None where it may."""

    async def named(self, task: Task, run: DeviceRun) -> None:
        """Say by which id the device knows it, before its start is sent. Raises NotDriving."""


class ExecutorDeps(msgspec.Struct, frozen=True, kw_only=True):
    """What executors share."""

    claims: Claims
    cancelling: Cancelling
    fitting: Fitting
    commit: Commit
    holds: HoldBoard
    resources: Resources
    keeper: Keeper
    clock: WallClock
    settings: Settings
    signals: Signals
    programs: Programs
