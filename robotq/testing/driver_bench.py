"""What a driver is tested on: what it is made from, and a command in it as robotq calls it.

Users take these names from `driver_contract`.
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

from robotq.drivers.base import (
    Driver,
    DriverError,
    DriverSetup,
    LinkState,
    Stopped,
    Withdrawn,
)
from robotq.drivers.settling import Settles, UnsettledRun
from robotq.model.clock import MotionClock
from robotq.model.json import JsonObject
from robotq.model.task import Command, DeviceRun
from robotq.steps import Program
from robotq.system.clocks import ScaledClock

_SOON_S = 1.0
"""Wall seconds in which everything but `connect` and `execute` returns."""
BEGIN_S = 5.0
END_S = 10.0

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
    again: Callable[[], Driver] | None = None
    """Makes another driver for the same controller, as a daemon does that was started again.
    None: the tests of `settle` that need one are left out."""
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
    artifacts: list[tuple[str, str, bytes]] = field(default_factory=list)
    """Name, media type and content."""
    begun: threading.Event = field(default_factory=threading.Event)
    """Something has been reported."""
    answer: JsonObject | None = None
    withdrawn: threading.Event = field(default_factory=threading.Event)
    run: DeviceRun | None = None
    """What the driver has given with `run_id` last."""
    run_begun: bool = False
    """It was given when the start was out already."""
    called_off: bool = False
    """`run_id` ends with Stopped: the command was called off while the id was being written."""

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

    def artifact(self, name: str, media_type: str, data: bytes, *, needed: bool = False) -> str:  # noqa: ARG002
        self.artifacts.append((name, media_type, data))
        return name

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

    def run_id(
        self,
        run_id: str,
        *,
        boot: str = "",
        begun: bool = False,
        details: JsonObject | None = None,
    ) -> None:
        kept: JsonObject = json.loads(json.dumps(details or {}))
        self.run = DeviceRun(id=run_id, driver="contract", boot=boot, details=kept, at_ms=0)
        self.run_begun = begun
        if self.called_off and not begun:
            raise Stopped

    def unsettled(self, command: Command) -> UnsettledRun:
        """The run as robotq asks for it after a crash."""
        assert self.run is not None, "the driver has given no id for this run"
        return UnsettledRun(
            task_id=self.task_id, attempt=self.attempt, command=command, at_device=self.run
        )


class Execution:
    """`execute` on the command thread, as robotq calls it."""

    def __init__(
        self,
        driver: Driver,
        command: Command,
        *,
        task_id: str,
        called_off: bool = False,
        follows: UnsettledRun | None = None,
        program: Program | None = None,
    ) -> None:
        """`follows`: a run that the driver attaches to in place of beginning one."""
        self.context = RecordingContext(task_id=task_id, called_off=called_off, program=program)
        self.result: JsonObject | None = None
        self.error: BaseException | None = None
        self._driver = driver
        self._command = command
        self._follows = follows
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def moving(self) -> Execution:
        """Wait until the driver has reported something of it."""
        deadline = time.monotonic() + BEGIN_S
        while not self.context.begun.wait(0.01):
            assert self.error is None, f"the command ended at once: {self.error!r}"
            assert time.monotonic() < deadline, (
                "a command that moves has to report a step, its progress or a place"
            )
        return self

    def named(self) -> Execution:
        """The same, and until the device's own id of the run is known, which may be later."""
        self.moving()
        until(lambda: self.context.run is not None or self.over, "a run that moves gets its id")
        return self

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()

    def ended(self) -> Execution:
        self._thread.join(END_S)
        assert self.over, f"execute has not come back after {END_S:g} s"
        return self

    def _run(self) -> None:
        try:
            if self._follows is None:
                self.result = self._driver.execute(self._command, self.context)
            else:
                assert isinstance(self._driver, Settles)
                self.result = self._driver.attach(self._follows, self.context)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error


def until(condition: Callable[[], bool], promise: str, timeout_s: float = BEGIN_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, promise
        time.sleep(0.01)


@contextmanager
def soon(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < _SOON_S, f"{what} has to return within {_SOON_S:g} s"
