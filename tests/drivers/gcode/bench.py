"""A driver on an emulated controller, and somebody who gives it commands."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from robotq.drivers.base import Driver, DriverFactory, DriverSetup, LinkLost, LinkState
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.steps import Program, read_program
from robotq.system.clocks import ScaledClock
from tests.patience import look_again_s

PROGRAM_SCHEMA: JsonObject = {
    "type": "object",
    "required": ["program"],
    "properties": {"program": {"type": "string"}},
}
RUN_GCODE: Sequence[JsonObject] = [{"step": "RUNNING", "program": "params.program"}]


class Context:
    """What a running command tells and asks, kept."""

    def __init__(self, program: Program | None, answers: Sequence[JsonObject] = ()) -> None:
        self.task_id = "task_1"
        self.attempt = 1
        self.program = program
        self.steps: list[str] = []
        self.fractions: list[float] = []
        self.partials: list[JsonObject] = []
        self.places: list[str | None] = []
        self.questions: list[str] = []
        self._answers = list(answers)

    @contextmanager
    def step(self, name: str, **detail: Any) -> Iterator[None]:
        self.steps.append(name)
        yield

    def progress(self, fraction: float) -> None:
        self.fractions.append(fraction)

    def partial(self, **result: Any) -> None:
        self.partials.append(dict(result))

    def artifact(self, name: str, media_type: str, data: bytes, *, needed: bool = False) -> str:
        return name

    def moved_to(self, place: str | None) -> None:
        self.places.append(place)

    def ask(
        self,
        prompt: str,
        schema: JsonObject,
        timeout_s: float,
        *,
        answered_by: str | None = None,
        **args: Any,
    ) -> JsonObject:
        self.questions.append(prompt)
        return self._answers.pop(0)

    def withdraw(self) -> None:
        """Nobody is asked for longer than a moment."""

    def run_id(self, run_id: str, **_: Any) -> None:
        """Nobody asks for it afterwards."""


def program(
    steps: Sequence[JsonObject],
    schema: JsonObject | None = None,
    values: JsonObject | None = None,
    last: Sequence[JsonObject] | None = None,
) -> Program:
    read, faults = read_program(steps, schema=schema or {}, values=values or {}, last=last)
    assert faults == []
    return read


class Running:
    """A command on the thread of its own that a driver gets from the daemon."""

    def __init__(self, driver: Driver, command: Command, context: Context) -> None:
        self.context = context
        self._result: JsonObject | None = None
        self._error: Exception | None = None

        def execute() -> None:
            try:
                self._result = driver.execute(command, context)
            except Exception as error:  # noqa: BLE001 - the test looks at it
                self._error = error

        self._thread = threading.Thread(target=execute, daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()

    def result(self, timeout_s: float = 60.0) -> JsonObject:
        """Raises what the driver raised."""
        self._thread.join(timeout_s)
        assert self.over, "the command hangs"
        if self._error is not None:
            raise self._error
        assert self._result is not None
        return self._result


class Bench:
    """One driver. `links` is what it has told about its link."""

    def __init__(
        self, factory: DriverFactory, folder: Path, port: str, options: Mapping[str, Any]
    ) -> None:
        self.links: list[tuple[LinkState, str]] = []
        self.driver = factory(
            DriverSetup(
                robot="gantry",
                options={"port": port, "homing_required": False, **options},
                data=folder / "data",
                clock=ScaledClock(),
                link_changed=lambda state, reason: self.links.append((state, reason)),
                shared={},
            )
        )

    def start(
        self,
        steps: Sequence[JsonObject],
        params: Any = None,
        *,
        schema: JsonObject | None = None,
        values: JsonObject | None = None,
        answers: Sequence[JsonObject] = (),
        last: Sequence[JsonObject] | None = None,
    ) -> Running:
        context = Context(program(steps, schema, values, last), answers)
        return Running(self.driver, Command(cmd_type="TEST", params=params or {}), context)

    def do(self, steps: Sequence[JsonObject], params: Any = None, **more: Any) -> JsonObject:
        return self.start(steps, params, **more).result()

    def start_program(self, lines: Sequence[str]) -> Running:
        params = {"program": "\n".join(lines)}
        return self.start(RUN_GCODE, params, schema=PROGRAM_SCHEMA)

    def run(self, lines: Sequence[str], timeout_s: float = 60.0) -> JsonObject:
        return self.start_program(lines).result(timeout_s)


def channel_of(robot: Bench) -> Any:
    driver: Any = robot.driver
    return driver._robot._channel


@contextmanager
def bench(factory: DriverFactory, folder: Path, port: str, **options: Any) -> Iterator[Bench]:
    """A driver whose link is made."""
    made = Bench(factory, folder, port, options)
    try:
        made.driver.connect()
        yield made
    finally:
        made.driver.close()


@contextmanager
def bench_on_a_bad_wire(
    factory: DriverFactory, folder: Path, port: str, **options: Any
) -> Iterator[Bench]:
    """A driver whose link is made in the end: the engine connects again, for ever."""
    made = Bench(factory, folder, port, options)
    try:
        _connect(made.driver, attempts=5)
        yield made
    finally:
        made.driver.close()


def _connect(driver: Driver, attempts: int) -> None:
    for left in reversed(range(attempts)):
        try:
            driver.connect()
        except LinkLost:
            if not left:
                raise
        else:
            return


def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Wait for something that another thread or the emulator does."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + timeout_s, "it did not come to that"
        time.sleep(look_again_s(began))


def square(count: int, feed: int = 6000) -> list[str]:
    """`count` motions, each with a line of its own."""
    # none of them from where the robot stands: that one would not be carried out
    return [
        f"G1 X{1 + index % 40 + index / 100000:.5f} Y{index % 7} F{feed}" for index in range(count)
    ]


def in_order(lines: Sequence[str], taken: Sequence[str]) -> None:
    """What was taken is a part of `lines`, in this order, and each at most once."""
    own = [line for line in taken if line.startswith("G1 X")]
    known = [line for line in own if line in set(lines)]
    assert known == lines[: len(known)] or _is_part(lines, known)
    assert len(known) == len(set(known)), "a line was carried out twice"


def _is_part(lines: Sequence[str], part: Sequence[str]) -> bool:
    rest = iter(lines)
    return all(line in rest for line in part)
