"""A simulated robot on a virtual clock, and a context that remembers what it was told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from robotq.drivers.base import DriverError, DriverSetup, LinkState
from robotq.drivers.simulator.driver import SimulatorDriver
from robotq.drivers.simulator.lab.lab import Lab
from robotq.drivers.simulator.lab.state import LabState
from robotq.model.clock import MotionClock
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.steps import Program
from robotq.system.clocks import VirtualClock


@dataclass
class ReportedStep:
    name: str
    detail: dict[str, Any]
    seconds: float = 0.0
    state: str = "running"


class Recorder:
    """A command context without an engine."""

    def __init__(self, clock: MotionClock, task_id: str = "task_1", attempt: int = 1) -> None:
        self.clock = clock
        self.program: Program | None = None
        self.task_id = task_id
        self.attempt = attempt
        self.steps: list[ReportedStep] = []
        self.fractions: list[float] = []
        self.partials: list[dict[str, Any]] = []
        self.places: list[str | None] = []
        self.questions: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        self.begun = threading.Event()
        self.at_step: dict[str, Callable[[], None]] = {}
        """Step -> what to do when it begins."""

    @contextmanager
    def step(self, name: str, **detail: Any) -> Iterator[None]:
        step = ReportedStep(name, detail)
        self.steps.append(step)
        began = self.clock.now()
        self.begun.set()
        try:
            self.at_step.get(name, lambda: None)()
            yield
        except BaseException:
            step.state = "failed"
            raise
        else:
            step.state = "completed"
        finally:
            step.seconds = self.clock.now() - began

    def progress(self, fraction: float) -> None:
        self.fractions.append(fraction)

    def partial(self, **result: Any) -> None:
        self.partials.append(result)

    def artifact(self, name: str, media_type: str, data: bytes, *, needed: bool = False) -> str:
        return name

    def moved_to(self, place: str | None) -> None:
        self.places.append(place)

    def withdraw(self) -> None:
        """No question stays open here."""

    def run_id(self, run_id: str, **_: Any) -> None:
        """Nobody asks for it afterwards."""

    def ask(
        self,
        prompt: str,
        schema: JsonObject,
        timeout_s: float,
        *,
        answered_by: str | None = None,
        **args: Any,
    ) -> JsonObject:
        self.questions.append(
            {
                "prompt": prompt,
                "schema": schema,
                "timeout_s": timeout_s,
                "answered_by": answered_by,
                **args,
            }
        )
        if not self.answers:
            raise DriverError("nobody answered", code="answer_timeout", timeout_s=timeout_s)
        return self.answers.pop(0)

    def names(self) -> list[str]:
        return [step.name for step in self.steps]


@dataclass
class Running:
    """A command that runs in a thread of its own."""

    thread: threading.Thread
    context: Recorder
    result: JsonObject | None = None
    error: BaseException | None = None

    def join(self) -> None:
        self.thread.join(20)
        assert not self.thread.is_alive(), "the command does not end"


@dataclass
class Bench:
    """A lab in a folder, with as many of its robots as are asked for."""

    folder: Path
    clock: MotionClock = field(default_factory=VirtualClock)
    options: Mapping[str, Any] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)
    links: list[tuple[LinkState, str]] = field(default_factory=list)
    _drivers: dict[str, SimulatorDriver] = field(default_factory=dict)
    _tasks: int = 0

    def robot(self, name: str = "robot_a") -> SimulatorDriver:
        if name not in self._drivers:
            driver = SimulatorDriver(
                DriverSetup(
                    robot=name,
                    options=self.options,
                    data=self.folder,
                    clock=self.clock,
                    link_changed=lambda state, reason: self.links.append((state, reason)),
                    shared=self.shared,
                )
            )
            driver.connect()
            self._drivers[name] = driver
        return self._drivers[name]

    @property
    def lab(self) -> Lab:
        lab = self.shared["simulator.lab"]
        assert isinstance(lab, Lab)
        return lab

    @property
    def state(self) -> LabState:
        return self.lab.state

    def run(
        self,
        cmd_type: str,
        params: Any = None,
        *,
        robot: str = "robot_a",
        answers: list[dict[str, Any]] | None = None,
        context: Recorder | None = None,
    ) -> tuple[JsonObject, Recorder]:
        """Carry out a command here and now."""
        context = context or self.context(answers)
        command = Command(cmd_type=cmd_type, params={} if params is None else params)
        return self.robot(robot).execute(command, context), context

    def start(
        self,
        cmd_type: str,
        params: Any = None,
        *,
        robot: str = "robot_a",
        context: Recorder | None = None,
    ) -> Running:
        """Carry out a command in a thread of its own; it has begun its first step."""
        driver = self.robot(robot)
        context = context or self.context()
        command = Command(cmd_type=cmd_type, params={} if params is None else params)

        def work() -> None:
            try:
                running.result = driver.execute(command, context)
            except BaseException as error:  # noqa: BLE001 - handed to the test
                running.error = error

        running = Running(threading.Thread(target=work, daemon=True), context)
        running.thread.start()
        assert context.begun.wait(10)
        return running

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after that motion time; to be called while the clock is frozen."""
        ready = threading.Event()

        def work() -> None:
            with self.clock.moving():
                ready.set()
                self.clock.sleep(seconds, lambda: False)
                action()

        threading.Thread(target=work, daemon=True).start()
        assert ready.wait(10)

    def frozen(self) -> AbstractContextManager[None]:
        """Inside, no motion time passes: the test itself counts as a robot that has work."""
        return self.clock.moving()

    def context(self, answers: list[dict[str, Any]] | None = None) -> Recorder:
        self._tasks += 1
        context = Recorder(self.clock, f"task_{self._tasks}")
        context.answers = answers or []
        return context

    def motions(self) -> list[dict[str, Any]]:
        text = (self.folder / "simulator" / "motions.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def restarted(self) -> Bench:
        """The same folder in a new process, so to say; the old one is not told."""
        return Bench(self.folder, options=self.options)

    def close(self) -> None:
        for driver in self._drivers.values():
            driver.close()
