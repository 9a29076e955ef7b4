"""What happens at each single exchange of a handshake, in each pattern."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from robotq.drivers.base import DriverError, Stopped, UncertainOutcome
from robotq.drivers.plc.pattern import Refused
from tests.drivers.plc.model import Kind
from tests.drivers.plc.world import KINDS, World, starts

EXCHANGES = range(1, 40)


def told(world: World) -> Mapping[str, Any] | Exception:
    try:
        return world.run()
    except (DriverError, Stopped, UncertainOutcome) as error:
        return error


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        *(("restart", kind) for kind in KINDS),
        *(("alarm", kind) for kind in KINDS),
        # a number that is stuck is that of another command
        ("stuck", "pulse"),
        ("stuck", "request"),
    ],
)
def test_event__at_each_exchange_is_never_told_as_done_unless_it_was(
    kind: Kind, event: str
) -> None:
    """The PLC loses its memory, an alarm comes, or done goes high by a fault."""
    ends = set()
    for at in EXCHANGES:
        world = World(kind, move_s=0.2)
        world.happens_at = at, event
        answer = told(world)
        assert starts(world) <= 1
        ended = [job.ended for job in world.plc.jobs]
        assert len(ended) <= 1
        if isinstance(answer, DriverError | Stopped):
            assert not world.plc.moves, (at, answer)
            assert ended != ["ok"] or event == "alarm", (at, answer)
        elif not isinstance(answer, Exception):
            assert ended == ["ok"], at
            assert answer == {"weight": 70}
        ends.add(type(answer))
    assert len(ends) > 1, "it falls before, into, and behind the command"


@pytest.mark.parametrize("kind", KINDS)
def test_event__of_an_alarm_after_the_motion_does_not_undo_what_was_done(kind: Kind) -> None:
    world = World(kind, outcome=True, move_s=0.2)
    world.events[0.25] = "alarm"
    answer = told(world)
    assert [job.ended for job in world.plc.jobs] == ["ok"] or isinstance(answer, Exception)


def test_alarm__in_the_middle_of_a_numbered_command_is_what_the_plc_has_stored() -> None:
    world = World("numbered")
    world.events[0.4] = "alarm"
    with pytest.raises(DriverError, match="jam"):
        world.run()
    assert not world.plc.moves


@pytest.mark.parametrize("kind", KINDS)
def test_value__that_the_plc_does_not_keep_starts_nothing(kind: Kind) -> None:
    """It has limits of its own, and writes the nearest value that it likes."""
    world = World(kind)
    world.keeps_at_most = 5
    with pytest.raises(DriverError, match="not kept what was written: goal is 5 and not 7"):
        world.run()
    assert not starts(world)
    assert world.run(4) == {"weight": 40}


@pytest.mark.parametrize("kind", KINDS)
def test_value__that_the_plc_refuses_starts_nothing(kind: Kind) -> None:
    world = World(kind)
    world.refuses = "goal"
    with pytest.raises(DriverError, match="refuses a parameter: goal: BadOutOfRange"):
        world.run()
    assert not starts(world)


@pytest.mark.parametrize("kind", KINDS)
def test_start__that_the_plc_refuses_is_uncertain(kind: Kind) -> None:
    """A part of what was written may have been taken."""
    world = World(kind)
    world.refuses = "start"
    with pytest.raises(UncertainOutcome, match="refuses the start"):
        world.run()


@pytest.mark.parametrize("kind", ["pulse", "request"])
def test_reset__that_the_plc_refuses_is_uncertain(kind: Kind) -> None:
    world = World(kind)
    real = world.write

    def write(name: str, value: Any) -> None:
        if name == "start" and not value:
            raise Refused("start: BadNotWritable")
        real(name, value)

    world.write = write  # type: ignore[method-assign]
    with pytest.raises(UncertainOutcome, match="refuses a reset"):
        world.run()


# -- a pulse of a fixed length -----------------------------------------------------------------


def test_pulse__falls_after_its_time_while_the_machine_moves_on() -> None:
    world = World("pulse", pulse_s=0.2, done_s=0.4)
    for goal in (7, 8):
        world.pass_(1.0)
        assert world.run(goal) == {"weight": goal * 10}
    lows = [name for name, value in world.writes if name == "start" and not value]
    assert len(lows) >= 2
    assert starts(world) == 2


def test_pulse__falls_while_it_moves_and_not_when_it_is_done() -> None:
    world = World("pulse", pulse_s=0.2, done_s=0.4, move_s=1.0)
    fell_while_moving = []
    real = world.write

    def write(name: str, value: Any) -> None:
        if name == "start" and not value:
            fell_while_moving.append(world.plc.moves)
        real(name, value)

    world.write = write  # type: ignore[method-assign]
    world.run()
    assert fell_while_moving[0]


@pytest.mark.parametrize("moment", [0.1, 0.5])
def test_pulse__of_a_plc_that_is_restarted_is_unknown_at_once(moment: float) -> None:
    """Also when its start has fallen already: the number of its starts says so."""
    world = World("pulse", pulse_s=0.2, done_s=0.4)
    world.events[moment] = "restart"
    answer = told(world)
    assert isinstance(answer, UncertainOutcome)
    assert answer.cause == "device_reset"
    assert world.now < 1


def test_pulse__whose_done_stays_high_is_no_answer() -> None:
    world = World("pulse", pulse_s=0.2)
    world.events[0.5] = "stuck"
    assert isinstance(told(world), UncertainOutcome)
