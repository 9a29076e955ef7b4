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
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers.base import (
    Capabilities,
    Driver,
    DriverError,
    DriverSetup,
    DriverStatus,
    LinkLost,
    LinkState,
    Reporting,
    Stopped,
    UncertainOutcome,
    UnknownCommand,
    Withdrawn,
)
from robotq.model.clock import MotionClock, ScaledClock
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.steps import Program

_SOON_S = 1.0
"""Wall seconds in which everything but `connect` and `execute` returns."""
_SEEN_S = 0.2
"""Seconds after which a motion that the controller has taken is seen to have begun."""

_BEGIN_S = 5.0
_END_S = 10.0

Links = list[tuple[LinkState, str]]


def driver_setup(
    data: Path,
    options: Mapping[str, Any],
    *,
    robot: str = "robot_a",
    clock: MotionClock | None = None,
) -> tuple[DriverSetup, Links]:
    """What a driver is made from, and the list in which it reports its link."""
    links: Links = []
    setup = DriverSetup(
        robot=robot,
        options=options,
        data=data,
        clock=clock or ScaledClock(),
        link_changed=lambda state, reason: links.append((state, reason)),
        shared={},
    )
    return setup, links


@dataclass(kw_only=True)
class DriverBench:
    """A driver, and what the tests may do with it. It is not connected yet."""

    driver: Driver
    links: Links
    quick: Command
    """A command that ends by itself within a few seconds."""
    long: Command
    """A command that moves for at least half a minute, unless it is stopped."""
    query: Command | None = None
    """An immediate command, if there is one."""
    break_link: Callable[[], None] | None = None
    """Unplugs the controller. None: the tests of a broken link are left out."""
    mend_link: Callable[[], None] | None = None
    pause: Callable[[], None] | None = None
    """Has the robot pause by itself: a button at the machine. None: it cannot."""
    go_on: Callable[[], None] | None = None
    """Lets it go on at the machine."""
    motions: Callable[[], int] | None = None
    """How many motions the controller has begun: the judge. None: nobody can say."""


@dataclass
class RecordingContext:
    """A `CommandContext` that keeps what the driver reports."""

    task_id: str = "task_contract"
    attempt: int = 1
    program: Program | None = None
    steps: list[tuple[str, str]] = field(default_factory=list)
    """Name and running, completed or failed, in order."""
    fractions: list[float] = field(default_factory=list)
    places: list[str | None] = field(default_factory=list)
    partials: list[JsonObject] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)
    """Something has been reported."""
    answer: JsonObject | None = None
    withdrawn: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def step(self, name: str, **detail: Any) -> Iterator[None]:
        json.dumps(detail)
        self.steps.append((name, "running"))
        self.begun.set()
        try:
            yield
        except BaseException:
            self.steps.append((name, "failed"))
            raise
        self.steps.append((name, "completed"))

    def progress(self, fraction: float) -> None:
        self.fractions.append(fraction)
        self.begun.set()

    def partial(self, **result: Any) -> None:
        self.partials.append(result)

    def moved_to(self, place: str | None) -> None:
        self.places.append(place)
        self.begun.set()

    def ask(
        self,
        prompt: str,
        schema: JsonObject,  # noqa: ARG002 - as `CommandContext` has it
        timeout_s: float,
        *,
        answered_by: str | None = None,  # noqa: ARG002
        **args: Any,  # noqa: ARG002
    ) -> JsonObject:
        self.begun.set()
        if self.answer is not None:
            return self.answer
        if self.withdrawn.wait(timeout_s):
            raise Withdrawn
        raise DriverError("nobody answered", code="answer_timeout", prompt=prompt)

    def withdraw(self) -> None:
        self.withdrawn.set()


class Execution:
    """`execute` on the command thread, as robotq calls it."""

    def __init__(self, driver: Driver, command: Command, *, task_id: str) -> None:
        self.context = RecordingContext(task_id=task_id)
        self.result: JsonObject | None = None
        self.error: BaseException | None = None
        self._driver = driver
        self._command = command
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def moving(self) -> Execution:
        """Wait until the driver has reported something of it."""
        deadline = time.monotonic() + _BEGIN_S
        while not self.context.begun.wait(0.01):
            assert self.error is None, f"the command ended at once: {self.error!r}"
            assert time.monotonic() < deadline, (
                "a command that moves has to report a step, its progress or a place"
            )
        return self

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()

    def ended(self) -> Execution:
        self._thread.join(_END_S)
        assert self.over, f"execute has not come back after {_END_S:g} s"
        return self

    def _run(self) -> None:
        try:
            self.result = self._driver.execute(self._command, self.context)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error


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
        assert bench.links, "link_changed was not called"
        assert bench.links[-1][0] is LinkState.DISCONNECTED
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
        with _soon("status"):
            assert isinstance(driver.status(), DriverStatus)
        if bench.query is not None and driver.capabilities.immediate_while_busy:
            with _soon("immediate"):
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
        with _soon("stop"):
            driver.stop()
        assert Execution(driver, bench.quick, task_id="task_after").ended().error is None

    def test_emergency_stop__stays_until_reset_and_the_reset_moves_nothing(
        self, bench: DriverBench, driver: Driver
    ) -> None:
        execution = Execution(driver, bench.long, task_id="task_emergency").moving()
        with _soon("emergency_stop"):
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
            with _soon("emergency_stop"):
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
        with _soon("hold"):
            driver.hold()
        assert driver.status().held
        assert not execution.over
        with _soon("resume"):
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
        _until(lambda: _stands(driver), "a robot that is held comes to rest", _END_S + 5)
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
        _until(lambda: _last(driver).held, "a pause of the robot itself shows in its status")
        _until(lambda: _last(driver).held_because != "", "the status says why it pauses")
        assert not execution.over
        with _soon("resume"):
            driver.resume()
        _until(lambda: not _last(driver).held, "resume ends the pause")
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
        _until(lambda: _last(driver).held, "a pause of the robot itself shows in its status")
        bench.go_on()
        _until(lambda: not _last(driver).held, "it shows that the robot has gone on")
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


def _until(condition: Callable[[], bool], promise: str, timeout_s: float = _BEGIN_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, promise
        time.sleep(0.01)


@contextmanager
def _soon(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < _SOON_S, f"{what} has to return within {_SOON_S:g} s"


def _motions(bench: DriverBench) -> int | None:
    return None if bench.motions is None else bench.motions()


def _raises_link_lost(connect: Callable[[], None]) -> None:
    with pytest.raises(LinkLost):
        connect()


def _connected(driver: Driver) -> None:
    deadline = time.monotonic() + _END_S
    while True:
        try:
            driver.connect()
        except LinkLost:
            assert time.monotonic() < deadline, "the link does not come back"
            time.sleep(0.05)
        else:
            return
