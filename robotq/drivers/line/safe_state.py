"""The safe state of a device: sent at once, and confirmed by the device itself."""

from __future__ import annotations

import logging
import threading

from robotq.drivers.base import DriverError, LinkLost, UncertainOutcome
from robotq.drivers.line.ready import text_of
from robotq.drivers.line.run import Exchanges, errors_of, lines_now
from robotq.drivers.line.talk import NoAnswer, Talk

_log = logging.getLogger(__name__)

_CONFIRM_S = 0.5
"""Wall seconds that an emergency stop without a command waits for the device's own word."""


class SafeState:
    """Any thread may send it; whoever has it confirmed has the turn of the commands."""

    def __init__(self, robot: str, talk: Talk) -> None:
        self._robot = robot
        self._talk = talk
        self.told: str | None = None
        """What became of the last one; None where none was sent."""

    def lines(self) -> list[str]:
        """That are sent at once."""
        ready = self._talk.ready
        scope = {"values": ready.device.values}
        return [text_of(each.line, scope) for each in lines_now(ready.safe_state)]

    def send(self) -> None:
        """Before everything else. Raises LinkLost where the lines could not be sent."""
        try:
            self._talk.now(self.lines())
        except LinkLost as error:
            self.told = f"could not be sent: {error.reason}"
            _log.error("%s: the safe state could not be sent: %s", self._robot, error.reason)
            raise
        if self._talk.ready.safe_state:
            self.told = "sent"

    def confirm_soon(self) -> None:
        """Have it confirmed where no command runs that would ask. Raises DriverError where the
        device has not confirmed it within a moment; it is asked on."""
        told: list[str] = []

        def confirm() -> None:
            try:
                self.reach()
            except UncertainOutcome as error:
                told.append(error.reason)

        thread = threading.Thread(target=confirm, name=f"{self._robot}-rest", daemon=True)
        thread.start()
        thread.join(_CONFIRM_S)
        if thread.is_alive() or told:
            reason = told[0] if told else "it has not answered yet"
            raise DriverError(f"the safe state was sent, and is not confirmed: {reason}")

    def reach(self) -> None:
        """Have the device in its safe state, with its own answer for it.

        What was sent at once may have met a device that was not listening, so it is sent once
        more and its answers are read. Raises UncertainOutcome.
        """
        exchanges = Exchanges(self._talk, nobody, {})
        try:
            for exchange in self._talk.ready.safe_state:
                exchanges.carry_out(exchange)
            self._talk.confirm(nobody)
            left = errors_of(self._talk, nobody)
        except (NoAnswer, LinkLost, DriverError) as error:
            self.told = f"not confirmed: {error}"
            raise UncertainOutcome("stop_unconfirmed", str(error)) from error
        self.told = "confirmed"
        if left:
            _log.warning("%s: it had errors when it was stopped: %s", self._robot, "; ".join(left))


def nobody() -> None:
    """Nothing ends it before its time."""
