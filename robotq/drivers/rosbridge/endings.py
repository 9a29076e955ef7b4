"""How a goal ended, and what is certain then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robotq.drivers.base import DriverError, Stopped, UncertainOutcome
from robotq.drivers.mapped.filling import require
from robotq.drivers.rosbridge.asking import not_carried
from robotq.drivers.rosbridge.messages import GoalEnded, GoalStatus
from robotq.drivers.rosbridge.ready import RosProgram
from robotq.steps.expressions import ExpressionError
from robotq.steps.templates import Template

_REASONS = ("error_msg", "error_message", "message", "error_code")
"""Names under which results usually say why."""


def values_of(
    ended: GoalEnded, program: RosProgram, scope: Mapping[str, Any], *, stopping: bool
) -> Any:
    """The values of a result that is what was meant. Raises DriverError, Stopped,
    UncertainOutcome."""
    name = "" if program.action is None else program.action.name
    match ended.status:
        case GoalStatus.SUCCEEDED:
            told = {**scope, "result": ended.values}
            require(program.check, told, program.otherwise, name)
            return ended.values
        case GoalStatus.CANCELED | GoalStatus.ABORTED if stopping:
            raise Stopped
        case GoalStatus.CANCELED:
            raise DriverError(f"{name}: the goal was cancelled at the robot")
        case GoalStatus.ABORTED:
            raise DriverError(f"{name}: the robot gave the goal up{_why(ended.values)}")
        case _:
            reason = f"{name}: the bridge does not say how the goal ended"
            raise UncertainOutcome("answer_lost", reason)


def without_result(values: Any, *, accepted: bool, stopping: bool) -> Exception:
    """What it means that the bridge has no result of a goal. `accepted`: the robot had begun."""
    error = not_carried(values, certain=False)
    if isinstance(error, DriverError) and accepted:
        return UncertainOutcome("answer_lost", str(error))
    if isinstance(error, DriverError) and stopping:
        return Stopped()
    return error


def place_without_result(template: Template, scope: Mapping[str, Any]) -> str | None:
    """None where the place was to follow from the result."""
    try:
        return str(template.value(scope))
    except ExpressionError:
        return None


def _why(values: Any) -> str:
    """What a result says of itself."""
    if isinstance(values, Mapping):
        for name in _REASONS:
            if values.get(name) not in (None, "", 0):
                return f": {values[name]}"[:300]
    return ""
