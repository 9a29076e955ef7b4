"""What all executors work with."""

from __future__ import annotations

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
