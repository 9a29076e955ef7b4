"""An operator's signals to a process; they act at once and move nothing.

PROCESS_PAUSED and PROCESS_RESUMED are `hold` and `resume` of the driver.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from robotq.drivers.simulator.body import Body
from robotq.drivers.simulator.lab.state import LabState, with_robot
from robotq.drivers.simulator.params import Params
from robotq.model.json import JsonObject


def process_begins(body: Body, params: Params) -> JsonObject:  # noqa: ARG001 - as all others
    """PROCESS_BEGINS"""
    return _signalled(body, "process_begins", process=True)


def process_ended(body: Body, params: Params) -> JsonObject:  # noqa: ARG001
    """PROCESS_ENDED"""
    return _signalled(body, "process_ended", process=False)


def manual_reset_completed(body: Body, params: Params) -> JsonObject:  # noqa: ARG001
    """MANUAL_RESET_COMPLETED: somebody has put things right by hand."""
    return _signalled(body, "manual_reset_completed")


def _signalled(body: Body, signal: str, **changes: Any) -> JsonObject:
    def change(state: LabState) -> LabState:
        signals = state.robots[body.robot].signals
        count = signals.get(signal, 0) + 1
        return with_robot(state, body.robot, signals={**signals, signal: count}, **changes)

    body.lab.change(change)
    me = body.me
    return {
        "process_running": me.process,
        "count": me.signals[signal],
    }


SIGNALS: dict[str, Callable[[Body, Params], JsonObject]] = {
    "PROCESS_BEGINS": process_begins,
    "PROCESS_ENDED": process_ended,
    "MANUAL_RESET_COMPLETED": manual_reset_completed,
}
