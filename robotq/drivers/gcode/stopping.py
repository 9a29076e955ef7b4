"""Coming to rest, whatever the firmware."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NoReturn

from robotq.drivers.gcode.channel import LineChannel
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.state import RobotState


class Stopping(ABC):
    """Stops, for the command thread.

    Every wait in it has an end: a controller that does not confirm leaves an uncertain outcome.
    """

    def __init__(
        self, state: RobotState[Any], channel: LineChannel[Any], controls: Controls
    ) -> None:
        self._state = state
        self._channel = channel
        self._controls = controls
        self._emergencies = 0

    def begin(self) -> None:
        """An exchange begins: what came before is none of its business."""
        self.pass_over_emergencies()

    def pass_over_emergencies(self) -> None:
        """Emergency stops up to now break nothing off any more."""
        self._emergencies = self._controls.emergencies

    @property
    def emergency(self) -> bool:
        """An emergency stop has come since."""
        return self._controls.emergencies != self._emergencies

    @abstractmethod
    def come_to_rest(self, *, wait: bool = False) -> None:
        """Stop, and drop what was not carried out; `wait`: where the firmware can, after what it
        has planned already. Raises UncertainOutcome where the controller does not confirm it."""

    @abstractmethod
    def emergency_over(self) -> NoReturn:
        """The bytes of an emergency stop are on their way already; wait until the controller says
        that it has acted. Raises Stopped, or UncertainOutcome where it does not say so."""
