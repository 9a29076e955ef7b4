"""A command spec names who carries it out; a name that nobody has is told at the start."""

from __future__ import annotations

import pytest

from robotq.catalog import CommandSpec, Kind
from robotq.engine.handlers import IMMEDIATE, check_handlers
from robotq.model.errors import ConfigError

from .conftest import Lab


def test_handlers__a_misspelt_one_is_refused_with_what_is_expected() -> None:
    spec = CommandSpec(cmd_type="TICK_OFF", handler="manual_stp")
    with pytest.raises(ConfigError, match=r"TICK_OFF\.handler.*manual_stp.*driver, manual_step"):
        check_handlers([spec])


def test_handlers__an_immediate_one_does_not_queue() -> None:
    with pytest.raises(ConfigError, match="kind queued"):
        check_handlers([CommandSpec(cmd_type="ENTER", handler="answer")])
    check_handlers([CommandSpec(cmd_type="ENTER", handler="answer", kind=Kind.INPUT)])


async def test_handlers__every_name_is_carried_out_by_somebody(lab: Lab) -> None:
    assert lab.engine.immediate.handlers == IMMEDIATE
