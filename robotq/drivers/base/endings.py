"""How a command ends otherwise than with its result, and why there is no link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from robotq.model.carried.stopped_at import StoppedAt
from robotq.model.json import JsonObject


@dataclass(frozen=True, slots=True)
class LastSteps:
    """What became of the steps behind all others, of a command that has not completed."""

    state: str
    """done, failed or not_run."""
    reason: str = ""
    """A code `reason.…` of `model.texts`, or the device's own words."""


class Ended(Exception):
    """A command has ended otherwise than it should."""

    stopped_at: StoppedAt | None = None
    """Where its program was, where it had begun one."""
    last: LastSteps | None = None
    """What became of the steps of `finally`, where there are some."""
    device: JsonObject | None = None
    """What the device has stored of a command that ended like that, as it is there: the numbers
    behind the text, and what it has measured."""


class DriverError(Ended):
    """The device itself reported that the command failed. Certain: it moves no more.

    `code` is a code of `model.errors`, e.g. device_error or answer_timeout.
    """

    def __init__(self, reason: str, *, code: str = "device_error", **args: Any) -> None:
        super().__init__(reason)
        self.code = code
        self.args_: dict[str, Any] = {"reason": reason, **args}


class Stopped(Ended):
    """`execute` ends with this after `stop` or `emergency_stop`: the robot stands."""


class UncertainOutcome(Ended):
    """Nobody can say what the robot did. The queue is held until a person decides.

    `cause` is link_lost, device_reset, answer_lost or stop_unconfirmed.
    """

    def __init__(self, cause: str, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason


class LinkLost(UncertainOutcome):
    """The link broke. Raised by `execute`, and by `connect` where there is no link yet."""

    def __init__(self, reason: str) -> None:
        super().__init__("link_lost", reason)


class WrongDevice(LinkLost):
    """Somebody else than the robot is at the other end, or may be: no link is made, and nothing
    that could move or unlock it was sent."""

    def __init__(self, reason: str, *, found: str = "", expected: str = "") -> None:
        super().__init__(reason)
        self.found = found
        self.expected = expected


class NotAsConfigured(LinkLost):
    """What is there is not what the options of the robot say: no cable mends that, and time does
    not either."""


class NotUnderstood(LinkLost):
    """No link, because of what was heard.

    `what` is silent, noise, too_old, other_firmware, unknown_text, or busy: it reads nothing yet.
    """

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(reason)
        self.what = what


class DrivenElsewhere(LinkLost):
    """No link, since another daemon may drive this robot now. Told anew whenever its text changes,
    for it says who, and what a person has to do."""


class NotDriving(Ended):
    """Nothing was sent, and nothing will be: another daemon may drive this robot now. The command
    waits again."""


class NotReady(Ended):
    """Nothing was begun, and the driver's `status` says `held`, and why: the command waits again,
    behind that. Where its status does not say so, the command has failed with this text."""


class Withdrawn(Exception):
    """`CommandContext.ask` ends with this after `withdraw`: nobody has to answer any more."""


class Busy(Exception):
    """An immediate command cannot be served while another command runs."""


class UnknownCommand(Exception):
    """This driver has no way to carry out the command. Its text says why, or what it can do
    instead; it stands behind "robot_a cannot do GET_WEATHER: "."""


class DeviceUncertain(UncertainOutcome):
    """The same of a device beside the robot: the robot's own controller is there, and stands."""
