"""What goes wrong at a station, over each protocol and with each pattern: a done bit that is still
high, a value that does not fit, an alarm, a restart, and a cable that is cut at each exchange."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from robotq.drivers.base import Driver, DriverError, LinkLost, NotReady, Stopped, UncertainOutcome
from robotq.drivers.plc.protocols.turns import Turns
from robotq.drivers.settling import RunState, Settles
from robotq.model.task import Command
from robotq.testing.driver_contract import Execution, RecordingContext
from tests.drivers.killed import until
from tests.drivers.plc.conftest import MakeDriver, connected
from tests.drivers.plc.model import Kind
from tests.drivers.plc.site import Site

pytestmark = [
    pytest.mark.wall("the server of the PLC waits by the wall"),
    pytest.mark.real_time("a cable that is cut shows after a moment only"),
    pytest.mark.timeout(600),
]

_KINDS: tuple[Kind, ...] = ("pulse", "request", "numbered")
_EVERY = [
    pytest.param(
        protocol,
        kind,
        marks=() if protocol in ("rtu", "s7") and kind == "numbered" else pytest.mark.long,
    )
    for protocol in ("modbus", "rtu", "s7", "opcua")
    for kind in _KINDS
]
_CUTS = range(1, 33)
"""Exchanges of a handshake, and some of those before it."""


def move(goal: int) -> Command:
    return Command(cmd_type="MOVE", params={"goal": goal})


def ended(driver: Driver, goal: int) -> Any:
    """Its result, or what it has raised."""
    done = Execution(driver, move(goal), task_id="task_story").ended()
    return done.error or done.result


def begun(site: Site, driver: Driver, goal: int) -> Execution:
    before = len(site.plc.jobs)
    execution = Execution(driver, move(goal), task_id="task_story")
    until(lambda: len(site.plc.jobs) > before)
    return execution


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "kind"), _EVERY)
def test_station__has_a_bad_day(make_driver: MakeDriver, protocol: str, kind: Kind) -> None:
    site, driver = make_driver(protocol, kind, ready_s=0.3)
    plc = site.plc
    driver.connect()
    assert ended(driver, 2) == {"weight": 20}

    # done is still high from before, or the number of somebody else is on its way
    if kind == "numbered":
        site.put("goal", 60)
        site.put("start", 4_711)
        until(lambda: plc.nodes["accepted"] == 4_711)
    else:
        plc.done_stuck = True
        until(lambda: plc.nodes["done"])
    error = ended(driver, 3)
    assert isinstance(error, NotReady if kind == "numbered" else DriverError), error
    assert not any(job.goal == 3 for job in plc.jobs)
    plc.done_stuck = False
    until(lambda: not plc.moves and plc.nodes["done"] in (False, 4_711))

    # a value that the table does not permit is not written
    error = ended(driver, 2_001)
    assert isinstance(error, DriverError), error
    assert error.code == "bad_parameter"
    assert plc.nodes["goal"] != 2_001

    # an alarm in the middle, for which the PLC stops everything
    execution = begun(site, driver, 1_000)
    site.put("alarm", 4)
    error = execution.ended().error
    assert isinstance(error, DriverError), error
    assert ("jam" if kind == "numbered" else "夹爪故障") in str(error)
    assert not plc.moves
    site.put("alarm", 0)
    driver.resume()
    assert ended(driver, 4) == {"weight": 40}

    # its power fails in the middle: it has forgotten, and whatever it says now is of nobody
    execution = begun(site, driver, 1_000)
    site.restart(plc.boot + 1)
    error = execution.ended().error
    assert isinstance(error, UncertainOutcome), error
    assert error.cause == "device_reset"
    assert ended(driver, 5) == {"weight": 50}
    assert [job.ended for job in plc.jobs if job.goal in (2, 4, 5)].count("ok") >= 3


@pytest.mark.long
@pytest.mark.parametrize("loses", ["the question", "the answer"])
@pytest.mark.parametrize(("protocol", "kind"), _EVERY)
def test_cable__that_is_cut_at_each_exchange_tells_nobody_a_lie(
    make_driver: MakeDriver, protocol: str, kind: Kind, loses: str
) -> None:
    site, driver = make_driver(protocol, kind, answer_s=0.25)
    seen = set()
    for cut in _CUTS:
        site.as_new()
        connected(driver)
        _cut_at(site, cut, answer=loses == "the answer")
        execution = Execution(driver, move(4), task_id="task_story")
        answer = execution.ended().error or execution.ended().result
        _believed(site, answer)
        site.cable.as_new()
        connected(driver)
        if isinstance(answer, UncertainOutcome) and execution.context.run is not None:
            assert kind == "numbered"
            _settled(site, driver, execution.context.unsettled(move(4)))
        until(lambda: not site.plc.moves)
        assert len(site.plc.jobs) <= 1, cut
        seen.add(type(answer))
    assert LinkLost in seen


def _cut_at(site: Site, cut: int, *, answer: bool) -> None:
    left = [cut]

    def heard(_data: bytes) -> bool:
        left[0] -= 1
        if left[0] == 0:
            if answer:
                site.cable.mute = True
            else:
                site.cable.pull()
        return False

    site.cable.keep(heard)


def _believed(site: Site, answer: Any) -> None:
    """What was told is so."""
    ends = [job.ended for job in site.plc.jobs]
    if isinstance(answer, dict):
        assert (ends, answer) == (["ok"], {"weight": 40})
    elif not isinstance(answer, UncertainOutcome):
        assert isinstance(answer, DriverError | Stopped), answer
        assert not site.plc.moves
        assert ends != ["ok"]


def _settled(site: Site, driver: Driver, run: Any) -> None:
    """The number was on disk: the PLC says what became of it, and nobody guesses."""
    assert isinstance(driver, Settles)
    said = driver.settle(run, RecordingContext())
    if said.state is RunState.COMPLETED:
        assert [job.ended for job in site.plc.jobs] == ["ok"]
        assert said.result == {"weight": 40}
    elif said.state is RunState.RUNNING:
        assert len(site.plc.jobs) == 1
    else:
        assert said.state is RunState.UNKNOWN
        assert not site.plc.jobs, "the PLC has this number"


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.long if seed else ()) for seed in range(20)]
)
def test_line__with_noise_loses_frames_and_never_the_truth(
    make_driver: MakeDriver, seed: int
) -> None:
    """Some of the frames are spoiled: what only reads is asked again, a write never is."""
    site, driver = make_driver("rtu", "numbered", answer_s=0.2)
    rng = random.Random(seed)
    spoiled: list[bytes] = []

    def spoils(data: bytes, back: bool) -> bool:
        # a write, and the number of a request, are to be seen a few times too
        if rng.random() < (0.02 if back else 0.04):
            spoiled.append(data)
            return True
        return False

    for _ in range(3 if seed else 1):
        site.as_new()
        connected(driver)
        site.cable.spoils = spoils  # type: ignore[attr-defined]
        answer = ended(driver, 4)
        _believed(site, answer)
        site.cable.as_new()
        until(lambda: not site.plc.moves)
        assert len(site.plc.jobs) <= 1
    assert spoiled


@pytest.mark.slow
def test_answer__that_comes_late_on_a_line_is_of_no_other_question(
    make_driver: MakeDriver,
) -> None:
    """Answers have no numbers there. The line is asked for a word of its own, until that one comes
    back and not the answer to a question of before."""
    site, driver = make_driver("rtu", "numbered", answer_s=0.2)
    driver.connect()
    assert ended(driver, 6) == {"weight": 60}
    told = []
    for late_s in (0.1, 0.25, 0.3, 0.45):
        site.cable.keep()
        until(lambda: site.cable.kept)
        asked = threading.Timer(late_s, site.cable.let_through)
        asked.start()
        try:
            told.append(driver.immediate(Command(cmd_type="WEIGH")))
        except LinkLost:
            connected(driver)
        asked.join()
    assert told
    assert all(each == {"weight": 60} for each in told)


@pytest.mark.slow
def test_plc__that_does_not_know_the_loop_and_loses_the_next_question_is_reached(
    make_driver: MakeDriver,
) -> None:
    site, driver = make_driver("rtu", "numbered", answer_s=0.2)
    last = [0]

    def unknown(data: bytes, back: bool) -> bool:
        if back or len(data) < 2:
            return False
        before, last[0] = last[0], data[1]
        return 8 in (before, data[1])

    site.cable.spoils = unknown  # type: ignore[attr-defined]
    driver.connect()
    assert ended(driver, 3) == {"weight": 30}


@pytest.mark.slow
def test_adapter__that_gives_back_what_is_sent_answers_for_nobody(make_driver: MakeDriver) -> None:
    """It would confirm every stop, also one that the PLC has never heard."""
    site, driver = make_driver("rtu", "pulse", answer_s=0.3)
    site.cable.echoes = True  # type: ignore[attr-defined]
    with pytest.raises(LinkLost, match="gives back what is sent: expected `echo: true`"):
        driver.connect()
    line = {**site.options["modbus_rtu"], "echo": True}
    site, driver = make_driver("rtu", "pulse", answer_s=0.3, modbus_rtu=line)
    site.cable.echoes = True  # type: ignore[attr-defined]
    driver.connect()
    assert ended(driver, 3) == {"weight": 30}
    # nobody but its own echo answers
    site.cable.mute = True
    with pytest.raises((DriverError, LinkLost)):
        driver.emergency_stop()


def test_stop__goes_before_all_that_wait_for_the_line() -> None:
    turns, order = Turns(), []

    def wants(name: str, *, first: bool) -> threading.Thread:
        def take() -> None:
            with turns.turn(first=first):
                order.append(name)

        thread = threading.Thread(target=take)
        thread.start()
        return thread

    with turns.turn():
        threads = [wants("look", first=False), wants("work", first=False)]
        until(lambda: all(thread.is_alive() for thread in threads))
        threads.append(wants("stop", first=True))
        until(lambda: bool(turns._firsts))
    for thread in threads:
        thread.join(5)
    assert order[0] == "stop"
    assert sorted(order[1:]) == ["look", "work"]
