"""The promises of `robotq.drivers.base.Driver`, as tests for a driver of one's own.

Make a subclass of `DriverContract` whose name begins with `Test`, and give it the fixture
`bench`; pytest runs the rest. docs/drivers/own-driver.md walks through it.

    class TestMyDriver(DriverContract):
        @pytest.fixture
        def bench(self, tmp_path: Path) -> Iterator[DriverBench]:
            setup, links = driver_setup(tmp_path, {"port": ...})
            driver = create(setup)
            yield DriverBench(driver=driver, links=links, quick=Command(...), long=Command(...))
            driver.close()
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from robotq.drivers.base import (
    Capabilities,
    Driver,
    DriverError,
    DriverStatus,
    LinkLost,
    LinkState,
    Reporting,
    Stopped,
    UncertainOutcome,
    UnknownCommand,
)
from robotq.model.task import Command
from robotq.testing.driver_bench import (
    END_S,
    DriverBench,
    Execution,
    Links,
    RecordingContext,
    driver_setup,
    soon,
    until,
)

__all__ = [
    "DriverBench",
    "DriverContract",
    "Execution",
    "Links",
    "RecordingContext",
    "driver_setup",
]

_SEEN_S = 0.2
"""Seconds after which a motion that the controller has taken is seen to have begun."""


class DriverContract:
    """Every test begins with a driver that was just made."""

    @pytest.fixture
    def bench(self) -> Iterator[DriverBench]:
        raise NotImplementedError("a subclass gives its own `bench`")

    @pytest.fixture
    def driver(self, bench: DriverBench) -> Driver:
        bench.driver.connect()
        return bench.driver

    # -- the link ------------------------------------------------------------------------------

    def test_connect__moves_nothing_and_may_be_called_again(self, bench: DriverBench) -> None:
        before = _motions(bench)
        bench.driver.connect()
        assert bench.driver.status().link is LinkState.CONNECTED
        bench.driver.connect()
        assert bench.driver.status().link is LinkState.CONNECTED
        assert _motions(bench) == before

    def test_capabilities__are_told(self, driver: Driver) -> None:
        assert isinstance(driver.capabilities, Capabilities)

    def test_link_lost_in_a_command__is_uncertain_and_told(
        self, bench: DriverBench, driver: Driver
    ) -> None:
        if bench.break_link is None or bench.mend_link is None:
            pytest.skip("this bench cannot break the link")
        execution = Execution(driver, bench.long, task_id="task_lost").moving()
        bench.break_link()
        error = execution.ended().error
        assert isinstance(error, UncertainOutcome), error
        # who carries out a command may find it before who listens has told it
        until(
            lambda: bool(bench.links) and bench.links[-1][0] is LinkState.DISCONNECTED,
            "link_changed is called",
        )
        _raises_link_lost(driver.connect)
        # what the controller had it carries out without a link too, from rest after a moment
        time.sleep(_SEEN_S)
        moved = _motions(bench)
        bench.mend_link()
        _connected(driver)
        assert driver.status().link is LinkState.CONNECTED
        time.sleep(_SEEN_S)
        assert _motions(bench) in (moved, None), "making the link has moved something"

    # -- commands ------------------------------------------------------------------------------

    def test_execute__returns_a_result_that_is_json(
        self, bench: DriverBench, driver: Driver
    ) -> None:
        execution = Execution(driver, bench.quick, task_id="task_quick").ended()
        assert execution.error is None
        assert isinstance(execution.result, Mapping)
        json.dumps(execution.result)
        names = [name for name, state in execution.context.steps if state == "running"]
        done = [name for name, state in execution.context.steps if state == "completed"]
        assert sorted(names) == sorted(done)
        assert all(0 <= fraction <= 1 for fraction in execution.context.fractions)

    def test_execute__of_an_unknown_command_moves_nothing(
        self, bench: DriverBench, driver: Driver
    ) -> None:
        before = _motions(bench)
        execution = Execution(driver, Command(cmd_type="NO_SUCH_COMMAND"), task_id="task_no")
        assert isinstance(execution.ended().error, UnknownCommand)
        assert _motions(bench) == before

    def test_immediate__of_an_unknown_command(self, driver: Driver) -> None:
        with pytest.raises(UnknownCommand):
            driver.immediate(Command(cmd_type="NO_SUCH_QUERY"))

    def test_status__gets_through_while_a_command_runs(
        self, bench: DriverBench, driver: Driver
    ) -> None:
        execution = Execution(driver, bench.long, task_id="task_status").moving()
        with soon("status"):
            assert isinstance(driver.status(), DriverStatus)
        if bench.query is not None and driver.capabilities.immediate_while_busy:
            with soon("immediate"):
                json.dumps(driver.immediate(bench.query))
        assert not execution.over
        driver.stop()
        execution.ended()

    # -- stopping ------------------------------------------------------------------------------

    def test_stop__ends_the_command_and_the_next_one_runs(
        self, bench: DriverBench, driver: Driver
    ) -> None:
        execution = Execution(driver, bench.long, task_id="task_stopped").moving()
        driver.stop()
        assert isinstance(execution.ended().error, Stopped), execution.error
        moved = _motions(bench)
        time.sleep(0.2)
        assert _motions(bench) == moved
        again = Execution(driver, bench.quick, task_id="task_next").ended()
        assert again.error is None

    def test_stop__with_nothing_to_stop(self, bench: DriverBench, driver: Driver) -> None:
        with soon("stop"):
            driver.stop()
        assert Execution(driver, bench.quick, task_id="task_after").ended().error is None

    def test_emergency_stop__stays_until_reset_and_the_reset_moves_nothing(
        self, bench: DriverBench, driver: Driver
    ) -> None:
        execution = Execution(driver, bench.long, task_id="task_emergency").moving()
        with soon("emergency_stop"):
            driver.emergency_stop()
        assert isinstance(execution.ended().error, Stopped | UncertainOutcome), execution.error
        moved = _motions(bench)
        refused = Execution(driver, bench.quick, task_id="task_latched").ended()
        assert isinstance(refused.error, Stopped | DriverError), refused.error
        assert _motions(bench) == moved
        driver.reset()
        time.sleep(0.2)
        assert _motions(bench) == moved

    def test_emergency_stop__twice_and_with_nothing_to_stop(self, driver: Driver) -> None:
        for _ in range(2):
            with soon("emergency_stop"):
                driver.emergency_stop()
        driver.reset()
        assert driver.status().link is LinkState.CONNECTED

    def test_hold__pauses_the_motion_and_resume_goes_on(
        self, bench: DriverBench, driver: Driver
    ) -> None:
        if not driver.capabilities.can_hold:
            with pytest.raises(DriverError):
                driver.hold()
            return
        execution = Execution(driver, bench.long, task_id="task_held").moving()
        with soon("hold"):
            driver.hold()
        assert driver.status().held
        assert not execution.over
        with soon("resume"):
            driver.resume()
        assert not driver.status().held
        driver.stop()
        assert isinstance(execution.ended().error, Stopped)

    def test_hold__begins_nothing_until_it_is_resumed(
        self, bench: DriverBench, driver: Driver
    ) -> None:
        if not driver.capabilities.can_hold:
            pytest.skip("this controller cannot pause a motion")
        execution = Execution(driver, bench.long, task_id="task_held").moving()
        driver.hold()
        until(lambda: _stands(driver), "a robot that is held comes to rest", END_S + 5)
        # what had begun in the moment of the hold is counted by now
        time.sleep(0.1)
        moved = _motions(bench)
        time.sleep(0.3)
        assert _motions(bench) == moved
        driver.resume()
        assert not driver.status().held
        driver.stop()
        execution.ended()

    def test_pause__of_the_robot_itself_is_told_and_can_be_resumed(
        self, bench: DriverBench, driver: Driver
    ) -> None:
        if bench.pause is None:
            pytest.skip("this robot does not pause by itself")
        execution = Execution(driver, bench.long, task_id="task_paused").moving()
        bench.pause()
        until(lambda: _last(driver).held, "a pause of the robot itself shows in its status")
        until(lambda: _last(driver).held_because != "", "the status says why it pauses")
        assert not execution.over
        with soon("resume"):
            driver.resume()
        until(lambda: not _last(driver).held, "resume ends the pause")
        driver.stop()
        assert isinstance(execution.ended().error, Stopped)
        assert not driver.status().held

    def test_pause__that_ends_at_the_machine_is_seen_too(
        self, bench: DriverBench, driver: Driver
    ) -> None:
        if bench.pause is None or bench.go_on is None:
            pytest.skip("this robot does not pause by itself")
        execution = Execution(driver, bench.long, task_id="task_paused").moving()
        bench.pause()
        until(lambda: _last(driver).held, "a pause of the robot itself shows in its status")
        bench.go_on()
        until(lambda: not _last(driver).held, "it shows that the robot has gone on")
        driver.stop()
        execution.ended()

    def test_stop__ends_a_motion_that_is_held(self, bench: DriverBench, driver: Driver) -> None:
        if not driver.capabilities.can_hold:
            pytest.skip("this controller cannot pause a motion")
        execution = Execution(driver, bench.long, task_id="task_held").moving()
        driver.hold()
        driver.stop()
        assert isinstance(execution.ended().error, Stopped)
        assert not driver.status().held


def _last(driver: Driver) -> DriverStatus:
    """As robotq looks twice a second."""
    return driver.last_status() if isinstance(driver, Reporting) else driver.status()


def _stands(driver: Driver) -> bool:
    status = driver.status()
    return status.held and not status.still_moving


def _motions(bench: DriverBench) -> int | None:
    return None if bench.motions is None else bench.motions()


def _raises_link_lost(connect: Callable[[], None]) -> None:
    with pytest.raises(LinkLost):
        connect()


def _connected(driver: Driver) -> None:
    deadline = time.monotonic() + END_S
    while True:
        try:
            driver.connect()
        except LinkLost:
            assert time.monotonic() < deadline, "the link does not come back"
            time.sleep(0.05)
        else:
            return
