"""Whatever happens on the way, the handshake says nothing that the machine has not done."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotq.drivers.base import DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.drivers.settling import LeftRunning
from tests.drivers.plc.model import Kind
from tests.drivers.plc.world import KINDS, World, starts
from tests.slices import examples


@pytest.mark.parametrize("kind", KINDS)
def test_command__is_done_once_and_its_values_are_read_back(kind: Kind) -> None:
    world = World(kind)
    for goal in (7, 8):
        assert world.run(goal) == {"weight": goal * 10}
    assert [(job.goal, job.ended) for job in world.plc.jobs] == [(7, "ok"), (8, "ok")]
    if kind != "numbered":
        assert not world.plc.nodes["start"]
        assert not world.plc.nodes["done"]
        assert ("reset", "completed") in world.report.steps


@pytest.mark.parametrize("kind", ["pulse", "request"])
def test_done__that_is_still_high_from_before_is_refused_and_starts_nothing(kind: Kind) -> None:
    world = World(kind, done_stuck=True)
    with pytest.raises(DriverError, match="still high from before: done"):
        world.run()
    assert not starts(world)


def test_done__that_falls_late_is_waited_for() -> None:
    world = World("pulse", done_stuck=True)
    world.pass_(0.01)
    world.events[0.3] = "fall"
    world._happen = lambda event: setattr(world.plc, "done_stuck", False)  # type: ignore[method-assign]
    assert world.run() == {"weight": 70}


@pytest.mark.parametrize("kind", ["pulse", "request"])
def test_done__that_does_not_fall_afterwards_is_no_answer(kind: Kind) -> None:
    world = World(kind)
    world.events[0.2] = "stuck"
    with pytest.raises(UncertainOutcome):
        world.run()


def test_numbers__that_differ_mean_a_command_of_somebody_else() -> None:
    world = World("numbered")
    world.plc.nodes["start"] = 5
    world.plc.scan(0)
    with pytest.raises(DriverError, match="not at its end"):
        world.run()
    assert not starts(world)


@pytest.mark.parametrize("kind", KINDS)
def test_alarm__before_the_start_is_told_in_its_own_words(kind: Kind) -> None:
    world = World(kind)
    world.plc.nodes["alarm"] = 4
    with pytest.raises(DriverError, match="夹爪故障"):
        world.run()
    assert not starts(world)


@pytest.mark.parametrize("kind", ["pulse", "request"])
@pytest.mark.parametrize(("stands", "error"), [(True, DriverError), (False, UncertainOutcome)])
def test_alarm__in_the_middle(kind: Kind, stands: bool, error: type[Exception]) -> None:
    world = World(kind, stands=stands)
    world.events[0.4] = "alarm"
    with pytest.raises(error, match="夹爪故障"):
        world.run()
    assert not world.plc.nodes["start"], "the start is taken back"


@pytest.mark.parametrize("kind", KINDS)
def test_stop__is_confirmed_and_the_next_command_runs(kind: Kind) -> None:
    world = World(kind)
    world.events[0.4] = "stop"
    with pytest.raises(Stopped):
        world.run()
    assert not world.plc.moves
    world.stopping = False
    assert world.run(3) == {"weight": 30}


@pytest.mark.parametrize("kind", ["pulse", "request"])
def test_emergency_stop__stays_in_the_plc(kind: Kind) -> None:
    world = World(kind)
    world.events[0.4] = "emergency"
    with pytest.raises(Stopped):
        world.run()
    with pytest.raises(Stopped):
        world.run()
    assert world.plc.nodes["stop"]
    assert not world.plc.nodes["start"]


@pytest.mark.parametrize("kind", KINDS)
def test_plc__that_is_restarted_in_the_middle_is_unknown_at_once(kind: Kind) -> None:
    world = World(kind)
    world.events[0.6] = "restart"
    with pytest.raises(UncertainOutcome) as error:
        world.run()
    assert error.value.cause == "device_reset"
    assert world.now < 1


@pytest.mark.parametrize("before", [True, False], ids=["question_lost", "answer_lost"])
@pytest.mark.parametrize("kind", KINDS)
def test_network__cut_at_each_exchange_never_repeats_the_start(kind: Kind, before: bool) -> None:
    for at in range(1, 40):
        world = World(kind, move_s=0.2)
        world.cut_at, world.cut_before = at, before
        with contextlib.suppress(LinkLost):
            assert world.run() == {"weight": 70}
        assert starts(world) <= 1, at
        assert len(world.plc.jobs) <= 1, at


def test_stop__that_comes_together_with_done_is_not_told_as_done() -> None:
    world = World("pulse", move_s=0.3)
    seen_done = World.read

    def read(names: Collection[str]) -> Mapping[str, Any]:
        told = seen_done(world, names)
        world.stopping = world.stopping or bool(told.get("done"))
        return told

    world.read = read  # type: ignore[method-assign]
    with pytest.raises((Stopped, UncertainOutcome)):
        world.run()


def test_run_id__is_given_before_the_request_and_a_stop_in_it_sends_nothing() -> None:
    world = World("numbered")
    world.report.called_off = True
    with pytest.raises(Stopped):
        world.run()
    assert world.report.run is not None
    assert not starts(world)


def test_follow__by_the_number() -> None:
    world = World("numbered")
    world.events[0.3] = "leave"
    with pytest.raises(LeftRunning):
        world.run()
    world.left = False
    assert world.report.run is not None
    number, boot = int(world.report.run.id), world.report.run.boot
    assert world.handshake().follow(number, boot) == {"weight": 70}
    assert starts(world) == 1


@settings(max_examples=examples(400), deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    outcome=st.booleans(),
    stands=st.booleans(),
    machine_fails=st.booleans(),
    move_s=st.sampled_from([0.0, 0.01, 0.3, 1.0]),
    events=st.dictionaries(
        # not floats, which are mostly 0: these are spread over the whole command
        st.integers(0, 150).map(lambda hundredths: hundredths / 100),
        st.sampled_from(["stop", "emergency", "restart", "alarm", "stuck", "leave"]),
        min_size=1,
        max_size=3,
    ),
    cut=st.none() | st.tuples(st.integers(1, 60), st.booleans()),
)
def test_whatever_happens__nothing_is_told_that_the_machine_has_not_done(  # noqa: PLR0917
    kind: Kind,
    outcome: bool,
    stands: bool,
    machine_fails: bool,
    move_s: float,
    events: dict[float, str],
    cut: tuple[int, bool] | None,
) -> None:
    world = World(kind, stands=stands, outcome=outcome, machine_fails=machine_fails, move_s=move_s)
    world.events = dict(events)
    if cut is not None:
        world.cut_at, world.cut_before = cut
    result: Mapping[str, Any] | None = None
    try:
        result = world.run()
    except (DriverError, Stopped):
        assert not world.plc.moves, "it was said to stand"
        assert all(job.ended != "ok" for job in world.plc.jobs) or kind != "numbered"
    except (UncertainOutcome, LeftRunning):
        pass
    assert starts(world) <= 1
    assert len(world.plc.jobs) <= 1
    if result is not None:
        assert [job.ended for job in world.plc.jobs] == ["ok"]
        assert result == {"weight": 70}


@pytest.mark.parametrize("kind", KINDS)
def test_stop__of_before_is_taken_back_in_the_journal_and_the_next_command_runs(kind: Kind) -> None:
    world = World(kind)
    world.plc.nodes["stop"] = True
    world.plc.scan(0)
    assert world.run() == {"weight": 70}
    assert ("reset", "completed") in world.report.steps
    assert not world.plc.nodes["stop"]


@pytest.mark.parametrize("kind", ["pulse", "request"])
def test_stop__of_before_falls_after_a_start_that_was_left_high(kind: Kind) -> None:
    world = World(kind)
    world.plc.nodes["stop"] = True
    world.plc.nodes["start"] = True
    world.plc.scan(0)
    assert world.run() == {"weight": 70}
    assert world.writes[:2] == [("start", False), ("stop", False)]
    assert len(world.plc.jobs) == 1
