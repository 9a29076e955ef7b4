"""A goal that is followed again over another connection tells its steps and its progress."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from robotq.drivers.base import LinkState
from robotq.drivers.settling import RunState, Settles
from robotq.model.task import Command
from robotq.testing.driver_contract import Execution, RecordingContext
from tests.drivers.rosbridge.conftest import MakeSite
from tests.drivers.rosbridge.site import Site
from tests.drivers.rosbridge.test_goals import until

pytestmark = pytest.mark.wall("asyncio, which the bridge and its client use, waits by the wall")

_STEPS = 100
_MOVE = Command(cmd_type="MOVE", params={"steps": _STEPS, "step_s": 0.01})


def followed(site: Site, before: RecordingContext) -> tuple[RecordingContext, Any]:
    """What the next daemon hears of it, and its result. `before`: what the last one has heard."""
    execution = Execution(site.driver, _MOVE, task_id="task_left").named()
    until(lambda: site.steps() > 10)
    assert isinstance(site.driver, Settles)
    site.driver.let_go(60)
    run = execution.ended().context.unsettled(_MOVE)
    before.fractions += execution.context.fractions
    site.driver.close()
    after, context = site.again(), RecordingContext()
    try:
        after.connect()
        assert isinstance(after, Settles)
        assert after.settle(run, RecordingContext()).state is RunState.RUNNING
        result = after.attach(run, context)
        assert after.status().link is LinkState.CONNECTED
    finally:
        after.close()
    assert site.move.log[-1] == f"end {run.id} 4"
    return context, result


def test_goal__of_a_connection_that_is_gone_goes_on_to_tell_its_progress(site: Site) -> None:
    before = RecordingContext()
    context, result = followed(site, before)
    assert result == {"result_unavailable": True}
    told = context.fractions
    assert told == sorted(told)
    assert before.fractions[-1] < told[0]
    assert told[-1] > 0.8
    names = [name for name, state in context.steps if state == "completed"]
    assert names == [f"step {partial['done']}" for partial in context.partials]


def test_goal__of_somebody_else_at_the_same_server_is_not_taken_for_it(make_site: MakeSite) -> None:
    site = make_site({"others": "ignore"})
    site.driver.connect()
    theirs = {"steps": 100_000, "step_s": 0.005}
    site.bridge.on_loop(
        lambda: asyncio.ensure_future(site.graph.send_goal("/move", site.move.type, theirs, None))
    )
    until(lambda: site.steps() > 10)
    before = RecordingContext()
    execution = Execution(site.driver, _MOVE, task_id="task_ours").named()
    until(lambda: len(execution.context.fractions) > 3)
    assert isinstance(site.driver, Settles)
    site.driver.let_go(60)
    run = execution.ended().context.unsettled(_MOVE)
    before.fractions += execution.context.fractions
    after, context = site.again(), RecordingContext()
    try:
        after.connect()
        assert isinstance(after, Settles)
        after.attach(run, context)
        # theirs is at a hundredth at most
        assert len(context.fractions) > 20
        assert min(context.fractions) > before.fractions[-1] > 0.01
    finally:
        after.emergency_stop()
        after.close()


def test_goal__behind_a_bridge_that_cannot_tell_feedback_to_others_is_followed_to_its_end(
    site: Site,
) -> None:
    """One of before November 2025 says to nobody that it has not subscribed."""
    site.graph.knows_feedback = False
    context, result = followed(site, RecordingContext())
    assert result == {"result_unavailable": True}
    assert context.fractions == []
