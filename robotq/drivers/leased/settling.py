"""A leased driver that can ask its device what became of a run."""

from __future__ import annotations

from typing import cast

from robotq.drivers.base import CommandContext, LinkLost
from robotq.drivers.leased.driver import Leased
from robotq.drivers.settling import LeftRunning, NamesFirst, Settled, Settles, UnsettledRun
from robotq.model.json import JsonObject


class SettlesLeased(Leased):
    """`Settles` too: a run goes on at its device while nobody may drive it, and is followed again
    by whoever drives next."""

    @property
    def _settles(self) -> Settles:
        return cast(Settles, self.inner)

    @property
    def names_first(self) -> bool:
        """Of `NamesFirst`."""
        inner = self.inner
        return isinstance(inner, NamesFirst) and inner.names_first

    def settle(self, run: UnsettledRun, context: CommandContext) -> Settled:
        """Of `Settles`."""
        self.require()
        return self._settles.settle(run, context)

    def attach(self, run: UnsettledRun, context: CommandContext) -> JsonObject:
        """Of `Settles`."""
        self.require()
        return self.carried_out(lambda: self._settles.attach(run, context))

    def let_go(self, limit_s: float) -> None:
        """Of `Settles`."""
        self._settles.let_go(limit_s)

    def carried_out(self, work: object) -> JsonObject:
        try:
            return super().carried_out(work)  # type: ignore[arg-type]
        except LeftRunning as error:
            if self.tenure.valid:
                raise
            raise LinkLost(self.tenure.why) from error

    def _give_up_command(self) -> None:
        self._settles.let_go(0.0)
