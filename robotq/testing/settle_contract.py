"""The promises of `robotq.drivers.settling.Settles`, as tests for a driver of one's own.

Beside `DriverContract`, with the same fixture `bench`; it has `again` and `motions` here:

    class TestMyDriver(DriverContract, SettleContract):
        @pytest.fixture
        def bench(self, tmp_path: Path) -> Iterator[DriverBench]: ...
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from robotq.drivers.base import Driver, DriverError, LinkLost, Stopped
from robotq.drivers.settling import (
    LeftRunning,
    RunState,
    Settled,
    Settles,
    UnsettledRun,
)
from robotq.testing.driver_bench import (
    DriverBench,
    Execution,
    RecordingContext,
    soon,
    until,
)

__all__ = ["SettleContract"]

_SEEN_S = 0.2


class SettleContract:
    """Every test begins with a driver that was just made."""

    @pytest.fixture
    def bench(self) -> Iterator[DriverBench]:
        raise NotImplementedError("a subclass gives its own `bench`")

    @pytest.fixture
    def settling(self, bench: DriverBench) -> Driver:
        bench.driver.connect()
        assert isinstance(bench.driver, Settles), "it has no settle, attach and let_go"
        return bench.driver

    def test_run_id__is_given_for_every_run_and_is_another_one_each_time(
        self, bench: DriverBench, settling: Driver
    ) -> None:
        given = set()
        for number in range(2):
            done = Execution(settling, bench.quick, task_id=f"task_id_{number}").ended()
            assert done.context.run is not None
            given.add(done.context.run.id)
        assert len(given) == 2

    def test_run_id__of_a_command_that_is_called_off_before_it_sends_no_start(
        self, bench: DriverBench, settling: Driver
    ) -> None:
        before = _motions(bench)
        execution = Execution(settling, bench.long, task_id="task_off", called_off=True)
        until(lambda: execution.over or execution.context.run_begun, "a run gets its id")
        if execution.context.run_begun:
            settling.stop()
            execution.ended()
            pytest.skip("the device makes the id: it is known after the start")
        assert isinstance(execution.error, Stopped), execution.error
        time.sleep(_SEEN_S)
        assert _motions(bench) == before, "it was begun all the same"

    def test_settle__of_a_completed_run_tells_the_result_that_execute_had(
        self, bench: DriverBench, settling: Driver
    ) -> None:
        done = Execution(settling, bench.quick, task_id="task_done").ended()
        run = done.context.unsettled(bench.quick)
        before = _motions(bench)
        answer = _asked(settling, run)
        if answer.state is RunState.UNKNOWN:
            pytest.skip("this device forgets what is at its end")
        assert (answer.state, answer.id, answer.boot) == (RunState.COMPLETED, run.id, run.boot)
        if "result_unavailable" not in answer.result:
            assert dict(answer.result) == done.result
        assert _motions(bench) == before, "settle has moved something"

    def test_settle__of_a_run_that_never_was_is_neither_running_nor_at_an_end(
        self, bench: DriverBench, settling: Driver
    ) -> None:
        done = Execution(settling, bench.quick, task_id="task_other").ended()
        run = done.context.unsettled(bench.quick)
        other = UnsettledRun(
            task_id="task_never",
            attempt=1,
            command=bench.quick,
            at_device=replace(run.at_device, id=_like(run.id)),
        )
        answer = _asked(settling, other)
        assert answer.state in (RunState.NEVER_STARTED, RunState.UNKNOWN), answer
        if answer.state is RunState.NEVER_STARTED:
            assert (answer.id, answer.boot) == (other.id, other.boot)

    def test_settle__of_a_stopped_run_is_no_completed_one(
        self, bench: DriverBench, settling: Driver
    ) -> None:
        execution = Execution(settling, bench.long, task_id="task_stopped").named()
        settling.stop()
        run = execution.ended().context.unsettled(bench.long)
        answer = _asked(settling, run)
        assert answer.state in (RunState.FAILED, RunState.UNKNOWN), answer

    def test_attach__follows_a_run_that_was_let_go_and_begins_nothing(
        self, bench: DriverBench, settling: Driver
    ) -> None:
        after, run = _left(bench, settling)
        try:
            answer = _asked(after, run)
            assert (answer.state, answer.id, answer.boot) == (RunState.RUNNING, run.id, run.boot)
            again = Execution(after, bench.long, task_id=run.task_id, follows=run).moving()
            assert not again.over, again.error
            with soon("stop"):
                after.stop()
            assert isinstance(again.ended().error, Stopped), again.error
            stopped = _motions(bench)
            time.sleep(_SEEN_S)
            assert _motions(bench) == stopped
        finally:
            after.close()

    def test_stop__before_the_attach_ends_the_run_that_was_let_go(
        self, bench: DriverBench, settling: Driver
    ) -> None:
        """Out of band: nobody follows the run yet."""
        after, run = _left(bench, settling)
        try:
            with soon("stop"):
                after.stop()
            until(
                lambda: _asked(after, run).state is not RunState.RUNNING,
                "a stop ends a run that nobody follows",
            )
            assert _asked(after, run).state is not RunState.COMPLETED
        finally:
            after.close()

    def test_emergency_stop__before_the_link_is_the_first_that_the_device_hears(
        self, bench: DriverBench, settling: Driver
    ) -> None:
        after, run = _left(bench, settling, latched=True)
        try:
            until(
                lambda: _asked(after, run).state is not RunState.RUNNING,
                "an emergency stop ends a run that nobody follows",
            )
            assert _asked(after, run).state is not RunState.COMPLETED
            after.reset()
        finally:
            after.close()


def _left(
    bench: DriverBench, driver: Driver, *, latched: bool = False
) -> tuple[Driver, UnsettledRun]:
    """A run goes on that its driver has let go, and another driver is there in its place."""
    if bench.again is None:
        pytest.skip("this bench cannot make another driver")
    execution = Execution(driver, bench.long, task_id="task_left").named()
    assert isinstance(driver, Settles)
    with soon("let_go"):
        driver.let_go(60)
    assert isinstance(execution.ended().error, LeftRunning), execution.error
    run = execution.context.unsettled(bench.long)
    driver.close()
    after = bench.again()
    if latched:
        # there is no link yet, and it may say so
        with contextlib.suppress(DriverError, LinkLost):
            after.emergency_stop()
    after.connect()
    return after, run


def _asked(driver: Driver, run: UnsettledRun) -> Settled:
    assert isinstance(driver, Settles)
    answer = driver.settle(run, RecordingContext(task_id=run.task_id))
    assert isinstance(answer, Settled)
    return answer


def _like(run_id: str) -> str:
    """An id of the same form that was never given: the last letter or digit is another one."""
    last = run_id[-1]
    return run_id[:-1] + ("1" if last != "1" else "2")


def _motions(bench: DriverBench) -> int | None:
    return None if bench.motions is None else bench.motions()
