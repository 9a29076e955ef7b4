"""Programs of clients are judged before they are accepted, by the driver that will get them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from msgspec.structs import replace

from robotq.drivers.base import Driver, DriverError, JudgesPrograms, ReadsPrograms
from robotq.engine.intake.read_command import Order
from robotq.model.carried.program import HandedIn
from robotq.model.errors import ERROR_CODES, RobotqError
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.steps import Program
from robotq.steps import language as lang

_BYTES_IN_S = 1_048_576
"""So many bytes of one that is in a file give it another second."""
_MOST_WAITING = 16
"""Requests that wait for their turn: one program is read at a time, so that reading never takes
more than its share from the threads that talk to robots."""


Look: TypeAlias = Callable[[int], None]
_T = TypeVar("_T")


class _Ended(Exception):
    """Nobody wants to know any more."""


class Judging:
    """Asks drivers, on a thread, never two at once."""

    def __init__(
        self, drivers: Mapping[str, Driver], *, closed: Callable[[], bool], most_s: float
    ) -> None:
        """`closed`: nothing is accepted any more. `most_s`: wall seconds for one program."""
        self._most_s = most_s
        self._drivers = {
            name: driver for name, driver in drivers.items() if isinstance(driver, JudgesPrograms)
        }
        self.there = bool(self._drivers)
        """Whether any driver judges programs."""
        self._closed = closed
        self._turn = asyncio.Lock()
        self._waiting = 0

    def has_to(self, orders: Sequence[Order]) -> bool:
        """Whether one of them carries out a program of its client."""
        return any(self._judge_of(order) for order in orders)

    async def outlooks(
        self, orders: Sequence[Order], *, batch: bool = False
    ) -> Sequence[JsonObject | None]:
        """What the program of each comes to; None where it has none, or where nobody knows yet.

        Raises RobotqError program_refused, bad_parameter, too_many_requests, shutting_down; in a
        batch they name the index of the command.
        """
        found: list[JsonObject | None] = []
        for index, order in enumerate(orders):
            judge = self._judge_of(order)
            try:
                found.append(None if judge is None else await self._asked(order, *judge))
            except RobotqError as error:
                if batch and "field" in error.args_:
                    error.args_["field"] = f"[{index}].{error.args_['field']}"
                    error.args_["index"] = index
                raise
        return found

    def _judge_of(self, order: Order) -> tuple[JudgesPrograms, Program] | None:
        driver = self._drivers.get(order.robot)
        if driver is None or order.spec.handler != "driver":
            return None
        steps = order.spec.program(order.robot)
        return None if steps is None or not _carries_out(steps.steps) else (driver, steps)

    async def _asked(
        self, order: Order, driver: JudgesPrograms, steps: Program
    ) -> JsonObject | None:
        size = sum(value["bytes"] for value in _handed_in(order.command).values())
        return await self.in_turn(
            order.robot,
            lambda look: driver.judge(_with_text(order.command, driver, steps), steps, look),
            size,
        )

    async def in_turn(self, robot: str, work: Callable[[Look], _T], size: int = 0) -> _T:
        """What `work` finds out about a program of so many bytes, on a thread, never two at once.
        It calls what it is given every few milliseconds, which may raise.

        Raises RobotqError program_refused, from_line_refused, bad_parameter, too_many_requests,
        shutting_down.
        """
        if self._waiting >= _MOST_WAITING:
            raise RobotqError(
                "too_many_requests", what="programs to be judged", limit=_MOST_WAITING
            )
        self._waiting += 1
        left = threading.Event()
        try:
            async with self._turn:
                return await asyncio.to_thread(self._do, robot, work, size, left)
        finally:
            # whoever waited may have gone: the thread ends within milliseconds
            left.set()
            self._waiting -= 1

    def _do(self, robot: str, work: Callable[[Look], _T], size: int, left: threading.Event) -> _T:
        most_s = self._most_s + size / _BYTES_IN_S
        until = time.monotonic() + most_s

        def look(line: int) -> None:
            if self._closed():
                raise RobotqError("shutting_down")
            if left.is_set():
                raise _Ended
            if time.monotonic() > until:
                reason = f"reading it takes longer than {most_s:g} s, at line {line}"
                raise RobotqError("bad_parameter", field="params", reason=reason)

        try:
            return work(look)
        except DriverError as error:
            code = error.code if error.code in ERROR_CODES else "bad_parameter"
            raise RobotqError(code, **{"robot": robot, "field": "params", **error.args_}) from None


def _handed_in(command: Command) -> Mapping[str, HandedIn]:
    params = command.params
    if not isinstance(params, dict):
        return {}
    return {name: value for name, value in params.items() if isinstance(value, HandedIn)}


def _with_text(command: Command, driver: JudgesPrograms, steps: Program) -> Command:
    """The command with its programs as its driver reads them."""
    handed_in = _handed_in(command)
    if not handed_in:
        return command
    assert isinstance(command.params, dict)
    streamed = driver.reads_as_files(steps) if isinstance(driver, ReadsPrograms) else ()
    given = {
        name: value.file if name in streamed else value.file.text()
        for name, value in handed_in.items()
    }
    return replace(command, params={**command.params, **given})


def _carries_out(steps: Sequence[lang.Step]) -> bool:
    for step in steps:
        match step.action:
            case lang.RunProgram():
                return True
            case lang.Group(steps=inner) | lang.Loop(steps=inner) if _carries_out(inner):
                return True
    return False
