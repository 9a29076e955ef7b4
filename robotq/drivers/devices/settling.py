"""A robot with devices beside it whose own driver can ask its robot what became of a run."""

from __future__ import annotations

from typing import cast

from robotq.drivers.base import CommandContext, Driver, DriverError, DriverSetup
from robotq.drivers.devices.driver import WithDevices
from robotq.drivers.settling import RunState, Settled, Settles, UnsettledRun
from robotq.model.json import JsonObject


class SettlesWithDevices(WithDevices):
    """`Settles` too. The robot answers for itself; what a device was doing is known to nobody."""

    def __init__(self, setup: DriverSetup, robot: Driver) -> None:
        super().__init__(setup, robot)
        self._settles = cast(Settles, robot)

    def settle(self, run: UnsettledRun, context: CommandContext) -> Settled:
        """Of `Settles`."""
        answer = self._settles.settle(run, context)
        if answer.state in (RunState.UNKNOWN, RunState.NEVER_STARTED):
            return answer
        cut_off = [name for name in self.used_by(context) if name in self.cut_off]
        if cut_off:
            # whatever the robot says of its own part
            return Settled.unknown(
                f"nobody knows what became of the step that {', '.join(cut_off)} carried out"
            )
        return answer

    def attach(self, run: UnsettledRun, context: CommandContext) -> JsonObject:
        """Of `Settles`."""
        return self.carried_out(context, lambda within: self._settles.attach(run, within))

    def let_go(self, limit_s: float) -> None:
        """Of `Settles`. Raises DriverError while devices take part: nobody would go on with their
        steps, and stop them in time."""
        if self.uses_devices:
            raise DriverError("a command that uses devices does not go on without robotq")
        self._settles.let_go(limit_s)
