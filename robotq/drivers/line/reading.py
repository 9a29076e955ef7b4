"""Makes a device ready, and finds everything that is wrong in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from robotq.config.keys import suggestion
from robotq.config.line_device import (
    LineCommand,
    LineDevice,
    LineExchange,
    LinePoll,
    LineQuestion,
)
from robotq.config.strict_yaml import KeyPath
from robotq.drivers.base import DriverError
from robotq.drivers.line.frame import Frame, NoLine
from robotq.drivers.line.params import LineParams
from robotq.drivers.line.ready import (
    Exchange,
    LineProgram,
    Poll,
    Question,
    ReadyDevice,
    text_of,
)
from robotq.drivers.params import Param
from robotq.drivers.pieces import Pieces
from robotq.steps.shapes import Shape, shape_of

_COMMAND = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)


class DeviceReader:
    """Reads one device. `faults` has what is wrong, each with its place."""

    def __init__(self, device: LineDevice) -> None:
        self._pieces = Pieces()
        self.faults = self._pieces.faults
        self._device = device
        self._values: Mapping[str, Shape] = {"values": shape_of(dict(device.values))}
        self._params = LineParams(self._pieces, device.values, device.limits)

    def read(self) -> ReadyDevice | None:
        """None where there are faults."""
        device = self._device
        for name in device.values:
            self._pieces.name(name, ("values", name))
        for name in device.commands:
            if not _COMMAND.fullmatch(name):
                self._pieces.fault(("commands", name), "expected a name of letters, digits and _")
        frame = self._pieces.attempt((), lambda: Frame(device))
        programs = {
            name: self._program(command, ("commands", name))
            for name, command in device.commands.items()
        }
        for name in device.limits:
            if name not in self._params.names:
                self._pieces.fault(
                    ("limits", name), f"no command has such a parameter{self._params.listed()}"
                )
        who = None if device.who is None else self._reading(device.who, ("who",))
        if who is not None and who.expect is None:
            self._pieces.fault(("who",), "expect is missing")
        sync = self._sync() or who
        if sync is None and frame is not None and not frame.has_ids:
            self._pieces.fault(
                ("who",),
                "is missing: a question whose answer is like no other one (who, or send and "
                "expect of resync) tells whether a late answer is still to come",
            )
        if device.safe_state is None and any(not each.reads for each in programs.values()):
            self._pieces.fault(
                ("safe_state",),
                "is missing: the lines that bring the device to rest; [] where nothing has to",
            )
        names = dict(self._values)
        errors = device.error_query
        asked = None if errors is None else LineQuestion(send=errors.send, expect=".*", reads=True)
        ready = ReadyDevice(
            device=device,
            frame=frame or Frame(LineDevice()),
            programs=programs,
            who=who,
            sync=sync,
            start=self._exchanges(device.start, ("start",), names),
            safe_state=self._exchanges(device.safe_state or (), ("safe_state",), names),
            errors=None if asked is None else self._reading(asked, ("error_query",)),
            no_error=self._pieces.pattern(
                "" if errors is None else errors.none, ("error_query", "none")
            ),
            ignore=self._pieces.patterns(device.ignore, ("ignore",)),
            restarted=self._pieces.optional(device.restarted, ("restarted",)),
        )
        if not self.faults:
            self._try_lines(ready)
        return None if self.faults else ready

    # -- commands ------------------------------------------------------------------------------

    def _program(self, command: LineCommand, at: KeyPath) -> LineProgram:
        params = {
            name: self._params.read(name, param, (*at, "params", name))
            for name, param in command.params.items()
        }
        schema = {
            "type": "object",
            "properties": {name: param.schema() for name, param in params.items()},
            "required": list(params),
            "additionalProperties": False,
        }
        names = {**self._values, "params": Shape(schema=schema)}
        if command.do and (command.send is not None or command.poll is not None):
            self._pieces.fault(at, "found send or poll beside do, expected one of the two")
        listed = command.do or [command]
        above = (*at, "do") if command.do else at
        exchanges = self._exchanges(listed, above, names, params, single=not command.do)
        for name in command.result:
            self._pieces.name(name, (*at, "result", name))
        program = LineProgram(
            exchanges=exchanges,
            params=params,
            result={
                name: self._pieces.expression(text, (*at, "result", name), names)
                for name, text in command.result.items()
            },
            query=command.query,
        )
        if command.query and not program.reads:
            self._pieces.fault((*at, "query"), "expected reads: true for each line of a query")
        return program

    def _exchanges(
        self,
        listed: Iterable[LineExchange],
        at: KeyPath,
        names: dict[str, Shape],
        params: Mapping[str, Param] | None = None,
        *,
        single: bool = False,
    ) -> tuple[Exchange, ...]:
        """`names` gets those of the groups besides."""
        made = []
        for index, each in enumerate(listed):
            where = at if single else (*at, index)
            question = self._question(each, where, names, params or {})
            poll = None if each.poll is None else self._poll(each.poll, (*where, "poll"), names)
            made.append(Exchange(question=question, poll=poll, step=each.step))
        return tuple(made)

    def _poll(self, poll: LinePoll, at: KeyPath, names: dict[str, Shape]) -> Poll:
        if (poll.until is None) == (poll.reached is None):
            self._pieces.fault(at, "expected one of until and reached")
        if poll.expect is None:
            self._pieces.fault(at, "expect is missing")
        question = self._question(poll, at, names, {}, reads=True)
        return Poll(
            question=question,
            until=self._pieces.optional(poll.until, (*at, "until")),
            reached=self._pieces.maybe(poll.reached, (*at, "reached"), names),
            progress=self._pieces.maybe(poll.progress, (*at, "progress"), names),
            every_s=poll.every_s,
        )

    def _reading(self, asked: LineQuestion, at: KeyPath) -> Question:
        return self._question(asked, at, dict(self._values), {}, reads=True)

    def _sync(self) -> Question | None:
        resync = self._device.resync
        if resync.send is None and resync.expect is None:
            return None
        if resync.send is None or resync.expect is None:
            self._pieces.fault(("resync",), "expected send and expect together")
            return None
        asked = LineQuestion(send=resync.send, expect=resync.expect)
        return self._reading(asked, ("resync",))

    def _question(
        self,
        asked: LineQuestion,
        at: KeyPath,
        names: dict[str, Shape],
        params: Mapping[str, Param],
        *,
        reads: bool = False,
    ) -> Question:
        line = self._params.line(asked.send, (*at, "send"), names, params)
        expect = self._pieces.optional(asked.expect, (*at, "expect"))
        groups = expect.groupindex if expect is not None else {}
        types = {**self._device.types, **asked.types}
        for name in groups:
            self._pieces.name(name, (*at, "expect"))
            kind = "string" if types.get(name, "text") == "text" else types[name]
            names[name] = Shape(schema={"type": kind}, nullable=True)
        for name in asked.types:
            if name not in groups:
                self._pieces.fault((*at, "types", name), f"no such group{suggestion(name, groups)}")
        if expect is None:
            for key in ("error", "busy", "pending", "check"):
                if getattr(asked, key):
                    self._pieces.fault(
                        (*at, key), "expected it beside expect, where answers are read"
                    )
        every = {**self._device.error, **asked.error}
        own = [((*at, "error", text), text) for text in asked.error]
        shared = [(("error", text), text) for text in self._device.error]
        patterns = {text: self._pieces.pattern(text, where) for where, text in (*shared, *own)}
        return Question(
            line=line,
            expect=expect,
            types={name: types.get(name, "text") for name in groups},
            errors=tuple((patterns[text], meaning) for text, meaning in every.items()),
            busy=self._pieces.patterns(asked.busy, (*at, "busy")),
            pending=self._pieces.patterns(asked.pending, (*at, "pending")),
            check=self._pieces.maybe(asked.check, (*at, "check"), names),
            otherwise=asked.otherwise or "",
            answer_s=asked.answer_s or self._device.answer_s,
            reads=reads or asked.reads,
        )

    def _try_lines(self, ready: ReadyDevice) -> None:
        """Look at the lines with the smallest and the largest values."""
        for name, program in ready.programs.items():
            samples = {key: list(param.samples()) for key, param in program.params.items()}
            rounds = max((len(each) for each in samples.values()), default=1)
            for index in range(rounds if all(samples.values()) else 0):
                params = {key: each[index % len(each)] for key, each in samples.items()}
                scope = {"params": params, "values": self._device.values}
                first = program.exchanges[0].question
                try:
                    ready.frame.out(text_of(first.line, scope), 1)
                except (DriverError, NoLine) as error:
                    self._pieces.fault(("commands", name), f"with {params}: {error}")
                    break
