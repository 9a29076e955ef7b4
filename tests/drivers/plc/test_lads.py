"""Programs of a laboratory device that speaks LADS (OPC 30500-1), over OPC UA."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from robotq.drivers.base import DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.drivers.plc.lads.run import completed
from robotq.drivers.plc.lads.units import LadsUnits
from robotq.drivers.plc.trying import tried
from robotq.drivers.settling import RunState, Settled, Settles, UnsettledRun
from robotq.model.task import Command
from robotq.testing.driver_contract import DriverBench, DriverContract, Execution, RecordingContext
from robotq.testing.settle_contract import SettleContract
from tests.drivers import latched
from tests.drivers.killed import KilledDaemon, killed, until
from tests.drivers.lying import believed_by_nobody
from tests.drivers.plc.lads_server import OTHER_UNIT, UNIT, Job
from tests.drivers.plc.lads_site import LadsSite

pytestmark = [
    pytest.mark.wall("the server of the device waits by the wall"),
    pytest.mark.real_time("a program takes its time"),
]
slow, long = pytest.mark.slow, pytest.mark.long
_LASTS_S = 8.0
"""In which a kill comes."""
_GOALS = (200, 201)
"""Each goes on while the daemon is started again."""


@pytest.fixture(scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LadsSite]:
    pytest.importorskip("asyncua", reason="the extra opcua is not installed")
    made = LadsSite(tmp_path_factory.mktemp("lads"))
    yield made
    made.close()


@pytest.fixture
def site(_site: LadsSite) -> LadsSite:
    _site.as_new()
    return _site


def move(goal: int = 4, **params: Any) -> Command:
    return Command(cmd_type="MOVE", params={"goal": goal, **params})


def begun(site: LadsSite, command: Command) -> Execution:
    site.driver.connect()
    execution = Execution(site.driver, command, task_id="task_lads").named()
    until(lambda: site.device.moves and "run" in _details(execution))
    return execution


def _details(execution: Execution) -> Any:
    run = execution.context.run
    return {} if run is None else run.details


def asked(site: LadsSite, run: UnsettledRun) -> Settled:
    """By another daemon."""
    after = site.again()
    after.connect()
    assert isinstance(after, Settles)
    return after.settle(run, RecordingContext())


# -- its end ------------------------------------------------------------------------------------


@slow
def test_program__is_done_when_its_unit_is_complete(site: LadsSite) -> None:
    site.driver.connect()
    for number in (1, 2):
        done = Execution(site.driver, move(sample="S-7"), task_id=f"task_{number}").ended()
        assert done.error is None, done.error
        run = done.context.run
        assert run is not None
        assert done.result is not None
        assert site.device.jobs[-1] == Job(4, run.id, done.result["run"], "S-7", "complete")
        assert ("moving", "completed") in done.context.steps
        assert max(done.context.fractions) > 0.5
    assert len(site.device.jobs) == 2
    units = [(unit.name, unit.value, unit.fault) for unit in tried(site.ready())]
    assert units == [(UNIT, "Stopped", ""), (OTHER_UNIT, "Stopped", "")]


@slow
def test_end__that_somebody_at_the_device_brought_about_is_unknown(site: LadsSite) -> None:
    """Stopped is where a program ends that was done, and one that was not."""
    execution = begun(site, move(1_000))
    site.loop.do(site.device.press_stop())
    error = execution.ended().error
    assert isinstance(error, UncertainOutcome), error
    assert "good end" in str(error)


@long
def test_complete__of_the_program_before_is_not_that_of_the_next_one(site: LadsSite) -> None:
    site.device.stale = True
    execution = begun(site, move(1_000))
    site.loop.do(site.device.press_stop())
    assert isinstance(execution.ended().error, UncertainOutcome), execution.error


@pytest.mark.parametrize(
    ("changes", "done"),
    [
        (["", "Starting", "Execute", "Completing", "Complete", ""], True),
        (["", "Complete", "Resetting"], True),
        (["Complete", "", "Execute", ""], False),
        (["Complete"], False),
        (["Execute", "", "Execute", "Complete"], False),
        ([], False),
    ],
)
def test_changes__in_which_a_unit_was_complete(changes: list[str], done: bool) -> None:
    assert completed(changes) is done


@long
def test_unit__that_aborts_has_failed_and_is_cleared_by_a_person(site: LadsSite) -> None:
    execution = begun(site, move(1_000))
    site.device.fails = True
    error = execution.ended().error
    assert type(error) is DriverError, error
    assert "aborted" in str(error)
    again = Execution(site.driver, move(), task_id="task_again").ended()
    assert "clear it at the device" in str(again.error)
    assert "Clear" not in site.device.heard
    assert len(site.device.jobs) == 1


@long
def test_emergency_stop__aborts_and_the_next_command_clears(site: LadsSite) -> None:
    execution = begun(site, move(1_000))
    site.driver.emergency_stop()
    assert isinstance(execution.ended().error, Stopped), execution.error
    assert (site.device.state, site.device.job.ended) == ("Aborted", "aborted")
    site.driver.reset()
    again = Execution(site.driver, move(), task_id="task_again").ended()
    assert again.error is None, again.error
    assert ("reset", "completed") in again.context.steps


@slow
def test_stop__that_comes_before_the_start_does_ends_it_all_the_same(site: LadsSite) -> None:
    """The unit refuses a stop while it stands."""
    site.driver.connect()
    site.device.at_start = site.driver.stop
    execution = Execution(site.driver, move(1_000), task_id="task_stopped").ended()
    assert isinstance(execution.error, Stopped), execution.error
    assert site.device.job.ended == "stopped"


@long
@pytest.mark.parametrize("cmd_type", ["MOVE", "MOVE_UNTIL_STOPPED"])
def test_program__that_is_over_between_two_looks_is_done_all_the_same(
    site: LadsSite, cmd_type: str
) -> None:
    site.as_new(judges=cmd_type == "MOVE")
    site.device.finishes = True
    site.driver.connect()
    for number in range(5):
        command = Command(cmd_type=cmd_type, params={"goal": number})
        done = Execution(site.driver, command, task_id="task_quick").ended()
        assert done.error is None, done.error


@long
def test_program__that_was_aborted_and_cleared_between_two_looks_was_not_done(
    site: LadsSite,
) -> None:
    site.as_new(judges=False)
    site.device.clears_itself = True
    command = Command(cmd_type="MOVE_UNTIL_STOPPED", params={"goal": 1_000})
    execution = begun(site, command)
    site.device.fails = True
    error = execution.ended().error
    assert type(error) is DriverError, error


@long
def test_unit__that_does_not_say_which_run_it_has_begins_nothing(site: LadsSite) -> None:
    site.loop.do(site.device.nameless())
    site.driver.connect()
    refused = Execution(site.driver, move(), task_id="task_refused").ended()
    assert type(refused.error) is DriverError, refused.error
    assert "DeviceProgramRunId" in str(refused.error)
    assert not site.device.jobs


@long
def test_stop__of_a_command_leaves_the_program_of_another_unit_alone(site: LadsSite) -> None:
    """Somebody else has begun that one."""
    begun(site, move(1_000))
    site.loop.do(site.other.begin(1_000))
    site.driver.stop()
    until(lambda: site.device.state == "Stopped")
    assert site.other.state == "Running"
    assert not site.other.heard


@long
def test_emergency_stop__ends_every_unit_also_where_one_refuses(site: LadsSite) -> None:
    site.driver.connect()
    for unit in (site.device, site.other):
        site.loop.do(unit.begin(1_000))
    site.device.refuses_stops = True
    with pytest.raises(DriverError, match="MoverUnit"):
        site.driver.emergency_stop()
    until(lambda: site.other.state == "Aborted")


def test_stop__while_a_connection_is_being_made_is_not_called_sent() -> None:
    """Nobody would know that it was not."""
    with pytest.raises(LinkLost):
        LadsUnits([UNIT]).end(abort=True)


@long
def test_program__that_the_device_does_not_have_begins_nothing(site: LadsSite) -> None:
    site.device.templates = {"Another"}
    site.driver.connect()
    refused = Execution(site.driver, move(), task_id="task_refused").ended()
    assert type(refused.error) is DriverError, refused.error
    assert "BadInvalidArgument" in str(refused.error)
    assert not site.device.jobs


@long
def test_unit__without_a_complete_begins_only_where_the_site_says_what_stopped_means(
    site: LadsSite,
) -> None:
    site.as_new(judges=False)
    site.driver.connect()
    refused = Execution(site.driver, move(), task_id="task_refused").ended()
    assert type(refused.error) is DriverError, refused.error
    assert "stopped_is_done" in str(refused.error)
    assert not site.device.jobs
    named = Command(cmd_type="MOVE_UNTIL_STOPPED", params={"goal": 4})
    assert Execution(site.driver, named, task_id="task_done").ended().error is None
    # robotq's own stop is none of those ends
    long = Command(cmd_type="MOVE_UNTIL_STOPPED", params={"goal": 1_000})
    execution = Execution(site.driver, long, task_id="task_stopped").moving()
    site.driver.stop()
    assert isinstance(execution.ended().error, Stopped), execution.error


# -- afterwards ---------------------------------------------------------------------------------


def left(site: LadsSite) -> UnsettledRun:
    execution = begun(site, move(1_000))
    assert isinstance(site.driver, Settles)
    site.driver.let_go(60)
    execution.ended()
    site.driver.close()
    return execution.context.unsettled(move(1_000))


@slow
def test_settle__follows_the_run_to_its_end_and_begins_nothing(site: LadsSite) -> None:
    run = left(site)
    # killed before the answer was on disk: its result names the id that robotq gave
    unnamed = {"unit": run.at_device.details["unit"]}
    early = UnsettledRun(
        task_id=run.task_id, attempt=1, command=run.command,
        at_device=replace(run.at_device, details=unnamed),
    )  # fmt: skip
    after = site.again()
    after.connect()
    assert isinstance(after, Settles)
    for each in (run, early):
        said = after.settle(each, RecordingContext())
        assert (said.state, said.id, said.boot) == (RunState.RUNNING, run.id, run.boot)
    site.device.finishes = True
    assert after.attach(early, RecordingContext())["run"] == site.device.job.run
    assert site.device.heard.count("StartProgram") == 1
    until(lambda: site.device.state == "Stopped")
    assert after.settle(run, RecordingContext()).state is RunState.UNKNOWN


@long
def test_settle__of_a_run_that_the_unit_has_aborted(site: LadsSite) -> None:
    run = left(site)
    site.device.fails = True
    until(lambda: site.device.state == "Aborted")
    assert asked(site, run).state is RunState.FAILED


@long
def test_settle__of_a_unit_that_was_reset_behind_its_complete_is_unknown(site: LadsSite) -> None:
    """It is still Running, and there is nothing to follow."""
    run = left(site)
    site.device.inner = "Idle"
    said = asked(site, run)
    assert said.state is RunState.UNKNOWN, said


def _under_another_id(site: LadsSite) -> None:
    site.loop.do(site.device.own_task(site.device.job.run, "theirs"))


def _another_run(site: LadsSite) -> None:
    site.device.shows = "20261130-99"
    until(lambda: site.device.shown == "20261130-99")


def _forgets(site: LadsSite) -> None:
    site.device.shows = ""
    until(lambda: site.device.shown == "")
    site.loop.do(site.device.forget())


def _another_start(_: LadsSite) -> None:
    """See below: its run has the boot id of another start."""


@long
@pytest.mark.parametrize("lie", [_under_another_id, _another_run, _forgets, _another_start])
def test_lie__is_believed_by_nobody(site: LadsSite, lie: Callable[[LadsSite], None]) -> None:
    run = left(site)
    lie(site)
    if lie is _another_start:
        run = UnsettledRun(
            task_id=run.task_id, attempt=1, command=run.command,
            at_device=replace(run.at_device, boot="another"),
        )  # fmt: skip
    assert asked(site, run).state is RunState.UNKNOWN


# -- the contract, and the daemon killed --------------------------------------------------------


@long
class TestLads(DriverContract, SettleContract):
    @pytest.fixture
    def bench(self, site: LadsSite) -> DriverBench:
        return DriverBench(
            driver=site.driver,
            links=site.links,
            quick=move(2),
            long=move(1_000),
            break_link=site.cable.pull,
            mend_link=site.cable.plug,
            motions=lambda: len(site.device.jobs),
            again=site.again,
        )


class Log:
    """What the device has made its machine do."""

    key = "goal"

    def __init__(self, site: LadsSite) -> None:
        self._device = site.device

    def begun(self, key: Any) -> int:
        return sum(job.goal == key for job in self._device.jobs)

    def done(self, key: Any, run: str) -> bool:
        return any(
            job.goal == key and job.ended == "complete" and run in ("", job.task)
            for job in list(self._device.jobs)
        )

    def remembers(self, run: str) -> bool:
        """While it is at it: a unit that has stopped does not say how it came to that."""
        device = self._device
        return bool(device.jobs) and device.job.task == run and device.state == "Running"


@pytest.fixture
def lab(tmp_path: Path, site: LadsSite) -> Iterator[KilledDaemon]:
    with ExitStack() as stack:
        robot = {"driver": "plc", "options": {**site.options, "answer_s": 10}}
        made = KilledDaemon(tmp_path, "mover", robot, Log(site))
        stack.callback(made.daemon.kill)
        yield made


@long
@pytest.mark.parametrize("seed", range(100))
def test_kill__at_any_moment_and_the_unit_is_asked(
    lab: KilledDaemon, site: LadsSite, record_property: Callable[[str, object], None], seed: int
) -> None:
    found = killed(lab, seed, [{"goal": goal} for goal in _GOALS], _LASTS_S)
    record_property("kill", dict(found.tally))
    assert not found.faults, (seed, found, site.device.jobs)


@long
def test_device__that_was_restarted_in_mid_command(lab: KilledDaemon, site: LadsSite) -> None:
    believed_by_nobody(lab, {"goal": 1_000}, site.restart)


@long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("block", range(10))
@pytest.mark.parametrize("latch", [latched.while_down, latched.while_away])
def test_emergency_stop__that_could_not_be_sent_is_the_first_that_is_called(
    lab: KilledDaemon, site: LadsSite, latch: Callable[[latched.Device, range], None], block: int
) -> None:
    def stands(goal: int) -> bool:
        ends = [job.ended for job in list(site.device.jobs) if job.goal == goal]
        return ends in (["aborted"], ["stopped"]) and not site.device.moves

    def cut() -> None:
        site.cable.pull()
        site.device.heard.clear()

    device = latched.Device(
        lab=lab,
        params=lambda seed: {"goal": 1_000 + seed},
        stands=stands,
        cut=cut,
        mend=site.cable.plug,
        first=lambda: site.device.heard[:1] in ([], ["Abort"]),
    )
    with contextlib.ExitStack() as stack:
        stack.callback(site.cable.plug)
        latch(device, range(block * latched.ROUNDS, (block + 1) * latched.ROUNDS))
