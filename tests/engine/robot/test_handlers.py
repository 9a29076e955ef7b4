"""A command spec names who carries it out; a name that nobody has is told at the start."""

from __future__ import annotations

import pytest

from robotq.catalog import CommandSpec, Kind
from robotq.engine.robot.handlers import IMMEDIATE, check_handlers
from robotq.model.errors import ConfigError
from tests.engine.conftest import Lab


def test_handlers__a_misspelt_one_is_refused_with_what_is_expected() -> None:
    spec = CommandSpec(cmd_type="TICK_OFF", handler="manual_stp")
    with pytest.raises(ConfigError, match=r"TICK_OFF\.handler.*manual_stp.*driver, manual_step"):
        check_handlers([spec])


def test_handlers__an_immediate_one_does_not_queue() -> None:
    with pytest.raises(ConfigError, match="kind queued"):
        check_handlers([CommandSpec(cmd_type="ENTER", handler="answer")])
    check_handlers([CommandSpec(cmd_type="ENTER", handler="answer", kind=Kind.INPUT)])


@pytest.mark.parametrize("kind", [Kind.QUERY, Kind.INPUT])
def test_handlers__what_lets_a_robot_go_on_needs_the_right_to(kind: Kind) -> None:
    """Whoever may only submit would have resumed a held motion with it."""
    spec = CommandSpec(cmd_type="GO_ON", handler="resume_motion", kind=kind)
    with pytest.raises(ConfigError, match=r"GO_ON\.kind.*expected control"):
        check_handlers([spec])


async def test_handlers__every_name_is_carried_out_by_somebody(lab: Lab) -> None:
    assert lab.engine.immediate.handlers == IMMEDIATE
