"""A command that ends otherwise than well: what the PLC has said of it is told, all of it, and
nothing that it has not said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from robotq.drivers.base import DriverError, Stopped, UncertainOutcome
from robotq.drivers.plc.pattern import Alarm, Refused
from tests.drivers.plc.model import FAILED, STOPPED, Kind
from tests.drivers.plc.world import KINDS, World


def stops_by_its_alarm(world: World) -> None:
    """The PLC answers a stop bit with an alarm, and with nothing else."""
    world.station = replace(world.station, stopped=None)
    scan = world.plc.scan

    def scanned(passed_s: float) -> None:
        moved = world.plc.moves
        scan(passed_s)
        if moved and world.plc.nodes["stop"]:
            world.plc.nodes["alarm"] |= 4

    world.plc.scan = scanned  # type: ignore[method-assign]


@pytest.mark.parametrize("kind", KINDS)
def test_stop__that_the_plc_answers_with_an_alarm_is_confirmed(kind: Kind) -> None:
    world = World(kind, tells_no_bad_end=True)
    stops_by_its_alarm(world)
    world.events[0.4] = "stop"
    with pytest.raises(Stopped):
        world.run()
    assert not world.plc.moves
    # a number that the PLC has not answered may begin anew when the bit falls: a person looks first
    assert world.plc.nodes["stop"] is (kind == "numbered")


@pytest.mark.parametrize("stands", [True, False])
def test_stop__is_not_confirmed_by_an_alarm_that_was_there_before(stands: bool) -> None:
    """Somebody has told robotq of a command that goes on beside an alarm that is latched."""
    world = World("numbered", stands=stands)
    world.events[0.3] = "leave"
    with pytest.raises(UncertainOutcome):
        world.run()
    assert world.report.run is not None
    world.left, world.stopping = False, True
    # the bit is on a broken wire: the machine moves on
    world.plc.nodes["alarm"] = 4
    world.plc.scan = lambda passed_s: None  # type: ignore[method-assign]
    world.plc.nodes["stop"] = True
    with pytest.raises(UncertainOutcome, match="no answer to the stop") as error:
        world.handshake().follow(int(world.report.run.id), world.report.run.boot)
    assert error.value.cause == "stop_unconfirmed"


def test_stop__is_not_confirmed_by_an_alarm_for_which_the_plc_goes_on() -> None:
    world = World("pulse", stands=False)
    stops_by_its_alarm(world)
    world.events[0.4] = "stop"
    with pytest.raises(UncertainOutcome):
        world.run()


def test_stop__without_an_answer_says_what_stands_in_the_plc() -> None:
    world = World("numbered", move_s=90)
    world.events[0.4] = "stop"
    world.plc.deaf = True
    with pytest.raises(UncertainOutcome) as error:
        world.run()
    number = world.plc.nodes["start"]
    assert error.value.cause == "stop_unconfirmed"
    assert f"no answer to the stop within 1 s: start {number}, done 0" in error.value.reason
    assert "alarm 0" in error.value.reason


def test_failure__with_an_alarm_has_both_texts_and_the_numbers() -> None:
    world = World("numbered", machine_fails=True)
    with pytest.raises(DriverError, match=r"^jam; 夹爪故障$") as error:
        world.run()
    assert error.value.device == {
        "outcome": FAILED,
        "alarms": {"alarm": 4},
        "result": {"weight": -1},
    }


def test_stop__in_the_middle_has_what_the_plc_has_measured_by_then() -> None:
    world = World("numbered")
    world.events[0.4] = "stop"
    with pytest.raises(Stopped) as error:
        world.run()
    assert error.value.device == {"outcome": STOPPED, "alarms": {}, "result": {"weight": -1}}
    assert not world.plc.nodes["stop"]


def test_result__that_stood_there_before_the_start_may_be_of_the_command_before() -> None:
    """A PLC that refuses a request writes no new ones."""
    world = World("numbered")
    assert world.run(7) == {"weight": 70}
    refuses = world.plc._begin

    def begin() -> None:
        if world.plc.nodes["start"] != world.plc._last:
            world.plc._last = world.plc.nodes["done"] = world.plc.nodes["start"]
            world.plc.nodes["outcome"] = FAILED
        refuses()

    world.plc._begin = begin  # type: ignore[method-assign]
    with pytest.raises(DriverError, match="jam") as error:
        world.run(8)
    assert error.value.device == {"outcome": FAILED, "alarms": {}, "result": {}}


def test_alarm__of_a_plc_that_does_not_say_done_has_no_results() -> None:
    """Those that stand there may be of the command before."""
    world = World("numbered", tells_no_bad_end=True)
    world.events[0.4] = "alarm"
    with pytest.raises(DriverError, match="夹爪故障") as error:
        world.run()
    assert error.value.device == {"alarms": {"alarm": 4}}


@pytest.mark.parametrize(("certain", "ends"), [(True, DriverError), (False, UncertainOutcome)])
@pytest.mark.parametrize("kind", KINDS)
def test_start__that_the_server_refuses_was_not_started_where_it_says_so(
    kind: Kind, certain: bool, ends: type[Exception]
) -> None:
    world = World(kind)
    real = world.write

    def write(name: str, value: object) -> None:
        if name == "start" and value:
            raise Refused("start: BadTypeMismatch", certain=certain)
        real(name, value)

    world.write = write  # type: ignore[method-assign]
    with pytest.raises(ends, match="BadTypeMismatch"):
        world.run()
    assert not world.plc.jobs


def test_start__that_is_refused_and_stands_there_is_uncertain() -> None:
    world = World("request")
    real = world.write

    def write(name: str, value: object) -> None:
        real(name, value)
        if name == "start" and value:
            raise Refused("start: BadTypeMismatch", certain=True)

    world.write = write  # type: ignore[method-assign]
    with pytest.raises(UncertainOutcome, match="refuses the start"):
        world.run()


@pytest.mark.parametrize(
    ("codes", "before", "now", "raised"),
    [
        ({}, 0, 4, True),
        ({}, 4, 4, False),
        ({}, 4, 6, True),
        ({}, 6, 4, False),
        ({7: "x"}, 6, 7, True),
        ({7: "x"}, 7, 0, False),
    ],
)
def test_alarm__is_a_new_one(codes: dict[int, str], before: int, now: int, raised: bool) -> None:
    assert Alarm(node="alarm", codes=codes, stands=True).raised(before, now) is raised
    assert not Alarm(node="alarm", codes=codes).raised(before, now)
