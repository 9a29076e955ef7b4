"""One command that consists of steps, from the first of them to those of `finally`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from robotq.drivers.base import (
    CommandContext,
    DriverError,
    Ended,
    HasDevices,
    LastSteps,
    Stopped,
    UncertainOutcome,
)
from robotq.drivers.memory import Memory
from robotq.drivers.steps.machine import Machine, Part, Scan
from robotq.drivers.steps.values import (
    Scope,
    bad,
    first_group,
    program_lines,
    read_groups,
    size_of,
)
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.steps import Program
from robotq.steps import language as lang

_SCAN_S = 5.0
"""Seconds for one attempt at reading a code, where nothing else is said."""


class ProgramRun:
    """One command that consists of steps."""

    def __init__(
        self,
        program: Program,
        params: Any,
        context: CommandContext,
        machine: Machine,
        *,
        scan: Scan,
        memory: Memory,
        part: Part | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """`part` None: the robot has no commands by itself. `check` raises what has befallen the
        command, a stop for example; steps that only calculate are asked too."""
        self._program = program
        self._until: float | None = None
        """When the steps of `finally` have to be done, on `time.monotonic`."""
        self._begun = False
        self._last_done = False
        self._check = check
        self._done = 0
        self._size = 0
        self._context = context
        self._machine = machine
        self._scan_code = scan
        self._memory = memory
        self._part = part
        self._result: dict[str, Any] = {}
        self._scope = Scope(
            {
                "params": params,
                "values": program.values,
                "memory": memory.groups,
                "result": self._result,
            }
        )

    def run(self) -> JsonObject:
        """Carry out the steps, and those of `finally`; returns the command's result.

        Raises what `Driver.execute` may; DriverError bad_parameter where a template meets a value
        that it cannot take. `after` is then to be called.
        """
        self._begun = True
        self._steps(self._program.steps)
        if self._program.last:
            try:
                self._finish()
            except Ended as error:
                error.last = LastSteps("failed", _why(error))
                raise
        return self._result

    def after(
        self,
        error: Ended,
        why_not: str | None,
        machine: Machine | None = None,
        check: Callable[[], None] | None = None,
    ) -> None:
        """The command ends with `error`, and the robot stands: carry out the steps of `finally`,
        and note in `error` what became of them. `why_not`: why nothing may be sent any more.
        Raises UncertainOutcome where that is how the steps end."""
        if not self._program.last or not self._begun or error.last is not None:
            return
        if self._last_done:
            error.last = LastSteps("done")
            return
        if isinstance(error, UncertainOutcome):
            why_not = why_not or "reason.finally_unknown"
        if why_not is not None:
            error.last = LastSteps("not_run", why_not)
            return
        self._machine, self._check = machine or self._machine, check or self._check
        try:
            self._finish()
        except UncertainOutcome as unknown:
            unknown.last = LastSteps("failed", _why(unknown))
            unknown.stopped_at = error.stopped_at
            raise
        except (DriverError, Stopped) as broken:
            error.last = LastSteps("failed", _why(broken))
        else:
            error.last = LastSteps("done")

    def _finish(self) -> None:
        self._done = 0
        self._until = time.monotonic() + lang.LAST_S
        self._steps(self._program.last)
        self._last_done = True

    def _limit(self, timeout_s: float | None) -> float | None:
        """Of one step. Raises DriverError where nothing is left of the time of `finally`."""
        if self._until is None:
            return timeout_s
        left = self._until - time.monotonic()
        if left <= 0:
            raise DriverError(
                f"`finally` was not done within {lang.LAST_S:g} s", code="timeout",
                timeout_s=lang.LAST_S,
            )  # fmt: skip
        return left if timeout_s is None else min(left, timeout_s)

    def _steps(self, steps: Sequence[lang.Step]) -> None:
        for step in steps:
            self._done += 1
            if self._done > lang.MAX_STEPS_DONE:
                raise bad("steps", f"more than {lang.MAX_STEPS_DONE} steps in one command")
            self._check()
            self._limit(None)
            if self._scope.skips(step.when):
                continue
            with self._named(step):
                value = self._action(step)
            if step.into is not None:
                self._scope.names[step.into] = value

    def _named(self, step: lang.Step) -> AbstractContextManager[None]:
        if step.name is None:
            return nullcontext()
        return self._context.step(step.name, **self._scope.tree(step.detail))

    def _action(self, step: lang.Step) -> Any:  # noqa: C901, PLR0912 - one case a line
        match step.action:
            case lang.Gcode(lines=lines):
                self._machine.run(self._scope.lines(lines), timeout_s=self._limit(step.timeout_s))
            case lang.RunProgram(source=source):
                self._machine.run(
                    program_lines(self._scope.value(source)),
                    from_client=True,
                    progress=self._context.progress,
                    timeout_s=step.timeout_s,
                )
            case lang.Home(axes=axes):
                self._machine.home(axes, timeout_s=step.timeout_s)
            case lang.Unlock():
                self._machine.unlock()
            case lang.Jog(line=line):
                self._machine.jog(
                    self._scope.lines((line,))[0], timeout_s=self._limit(step.timeout_s)
                )
            case lang.Scan() as scan:
                return self._scan(scan)
            case lang.Query() as query:
                return self._query(query, self._limit(step.timeout_s))
            case lang.Ask() as ask:
                return self._ask(ask, step.timeout_s)
            case lang.Do(cmd_type=cmd_type, params=params):
                return self._do(cmd_type, self._scope.tree(params))
            case lang.On() as on:
                return self._on(on, step.timeout_s)
            case lang.Wait(seconds=seconds):
                left = self._limit(None)
                wait_s = self._scope.seconds(seconds)
                self._machine.wait(wait_s if left is None else min(wait_s, left))
            case lang.Place(name=name):
                self._context.moved_to(None if name is None else str(self._scope.text(name)))
            case lang.Group(steps=steps):
                self._steps(steps)
            case lang.Loop() as loop:
                self._loop(loop)
            case lang.Fail(reason=reason):
                raise DriverError(str(self._scope.text(reason)))
            case _ as other:
                self._note(other)
        return None

    def _note(self, action: lang.Action) -> None:
        """Actions that only change what is known."""
        match action:
            case lang.Assign(values=values):
                self._scope.names.update(self._scope.tree(values))
            case lang.Result(values=values):
                self._result.update(self._scope.tree(values))
                self._context.partial(**self._result)
            case lang.Append(items=items):
                for name, item in self._scope.tree(items).items():
                    self._size += size_of(item)
                    if self._size > lang.MAX_TEXT:
                        raise bad("append", f"more than {lang.MAX_TEXT} characters of results")
                    self._result.setdefault(name, []).append(item)
                self._context.partial(**self._result)
            case lang.Remember(group=group, key=key, value=value):
                self._memory.remember(group, str(self._scope.text(key)), self._scope.tree(value))
            case lang.Forget(group=group, key=key):
                self._memory.forget(group, None if key is None else str(self._scope.text(key)))
            case _:  # pragma: no cover - `_action` knows all others
                raise TypeError(type(action).__name__)

    def _loop(self, loop: lang.Loop) -> None:
        over = self._scope.value(loop.over)
        if isinstance(over, int | float) and not isinstance(over, bool):
            over = range(int(min(over, lang.MAX_ROUNDS + 1)))
        if not isinstance(over, list | tuple | range):
            raise bad(loop.over.text, "expected a list or a number")
        if len(over) > lang.MAX_ROUNDS:
            raise bad(loop.over.text, f"more than {lang.MAX_ROUNDS} rounds")
        for index, item in enumerate(over):
            self._scope.names[loop.item] = item
            self._scope.names[loop.index] = index
            self._check()
            self._steps(loop.steps)

    def _scan(self, scan: lang.Scan) -> str | None:
        timeout_s = _SCAN_S if scan.timeout_s is None else self._scope.seconds(scan.timeout_s)
        for _ in range(scan.attempts):
            code = self._scan_code(timeout_s)
            if code is not None and (scan.expect is None or scan.expect.fullmatch(code)):
                return code
        return None

    def _query(self, query: lang.Query, timeout_s: float | None) -> Any:
        line = self._scope.lines((query.line,))[0]
        answer = self._machine.query(line, timeout_s=timeout_s)
        for text in answer:
            found = query.expect.search(text)
            if found is not None:
                return read_groups(found.groupdict()) if found.groupdict() else first_group(found)
        told = " / ".join(answer)[:200] or "nothing"
        raise DriverError(f"{line} was answered with {told}, expected {query.expect.pattern}")

    def _ask(self, ask: lang.Ask, timeout_s: float | None) -> JsonObject:
        return self._context.ask(
            str(self._scope.text(ask.prompt)),
            ask.schema,
            300.0 if timeout_s is None else timeout_s,
            answered_by=ask.answered_by,
            **self._scope.tree(ask.args),
        )

    def _on(self, on: lang.On, timeout_s: float | None) -> JsonObject:
        if not isinstance(self._context, HasDevices):
            raise DriverError(
                f"this robot has no device {on.device}", code="device_absent", device=on.device
            )
        command = Command(cmd_type=on.cmd_type, params=self._scope.tree(on.params))
        return self._context.on(on.device, command, timeout_s)

    def _do(self, cmd_type: str, params: JsonObject) -> JsonObject:
        if self._part is None:
            raise DriverError(f"this robot does nothing but steps, so it cannot do {cmd_type}")
        return self._part(cmd_type, params)


def _why(error: Ended) -> str:
    return "reason.finally_stopped" if isinstance(error, Stopped) else str(error)
