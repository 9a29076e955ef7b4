"""Makes a robot ready, and finds everything that is wrong in its commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from robotq.config.keys import suggestion
from robotq.config.sila_robot import SilaAsk, SilaCommand, SilaRobot, SilaStop
from robotq.config.strict_yaml import KeyPath
from robotq.drivers.mapped.pieces import MappedPieces, params_shape
from robotq.drivers.params import ParamReader
from robotq.drivers.sila.described import Described, read_description
from robotq.drivers.sila.ready import Ask, Halt, ReadyRobot, SilaProgram
from robotq.steps.shapes import Shape, shape_of

_FEATURE = re.compile(r"[a-z][a-z0-9.]*/[a-z][a-z0-9.]*/[A-Z][A-Za-z0-9]*/v[0-9]+", re.ASCII)
"""A full name of SiLA 2, part A."""
_PART = re.compile(r"[A-Z][A-Za-z0-9]*", re.ASCII)


class RobotReader:
    """Reads one robot. `faults` has what is wrong, each with its place."""

    def __init__(self, robot: SilaRobot) -> None:
        self._robot = robot
        self._pieces = MappedPieces()
        self.faults = self._pieces.faults
        self._params = ParamReader(self._pieces, robot.values, {}, any_text=True)
        self._values: Mapping[str, Shape] = {"values": shape_of(dict(robot.values))}
        self._described: dict[str, Described] = {}

    def read(self) -> ReadyRobot | None:
        """None where there are faults."""
        robot = self._robot
        for name in robot.values:
            self._pieces.name(name, ("values", name))
        self._connection()
        commands: dict[str, SilaCommand] = {**self._brought(), **robot.commands}
        self._pieces.commands(robot.commands)
        programs = {
            name: self._program(command, ("commands", name)) for name, command in commands.items()
        }
        halts = tuple(self._halt(stop, ("stop", index)) for index, stop in enumerate(robot.stop))
        ready = ReadyRobot(robot=robot, commands=commands, programs=programs, halts=halts)
        return None if self.faults else ready

    def _connection(self) -> None:
        robot, fault = self._robot, self._pieces.fault
        host, _, port = robot.address.rpartition(":")
        if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65536:
            fault(("address",), f"found {robot.address!r}, expected a host and a port: host:50052")
        for key in ("ca", "certificate", "key"):
            file = getattr(robot, key)
            if file is not None and robot.insecure:
                fault((key,), "only TLS has it, and insecure is true")
            elif file is not None and not Path(file).is_file():
                fault((key,), f"found {file!r}, which is no file")
        if (robot.certificate is None) != (robot.key is None):
            fault(("certificate",), "expected certificate and key, or none of them")
        if robot.server_uuid is not None:
            try:
                UUID(robot.server_uuid)
            except ValueError:
                fault(("server_uuid",), f"found {robot.server_uuid!r}, expected a UUID")

    def _brought(self) -> dict[str, SilaCommand]:
        brought: dict[str, SilaCommand] = {}
        for index, each in enumerate(self._robot.descriptions):
            at: KeyPath = ("descriptions", index)
            try:
                described = read_description(Path(each.file))
            except ValueError as error:
                self._pieces.fault((*at, "file"), str(error))
                continue
            self._described[described.feature] = described
            known = {*described.commands, *described.properties}
            for name in each.only:
                if name not in known:
                    text = f"{described.feature} has no {name}{suggestion(name, known)}"
                    self._pieces.fault((*at, "only"), text)
            for name, command in described.brought(each.only):
                if name in brought and name not in self._robot.commands:
                    self._pieces.fault(at, f"{name} is brought twice: use `only`")
                brought[name] = command
        return brought

    # -- commands ------------------------------------------------------------------------------

    def _program(self, command: SilaCommand, at: KeyPath) -> SilaProgram:
        fault = self._pieces.fault
        params = {
            name: self._params.read(name, param, (*at, "params", name))
            for name, param in command.params.items()
        }
        names = {**self._values, "params": params_shape(params)}
        after = {**names, _answered(command): Shape()}
        if command.property is not None and not command.query:
            fault((*at, "query"), "a property only tells something: expected query: true")
        return SilaProgram(
            ask=self._ask(command, at, names, tuple(params)),
            telling=self._pieces.telling(
                command.feedback, (*at, "feedback"), {**names, "intermediate": Shape()}
            ),
            requires=tuple(
                self._required(ask, (*at, "requires", index), names)
                for index, ask in enumerate(command.requires)
            ),
            params=params,
            result=self._pieces.results(command.result, at, after),
            place=self._pieces.template(command.place, (*at, "place"), after),
            query=command.query,
        )

    def _required(self, ask: SilaAsk, at: KeyPath, names: Mapping[str, Shape]) -> Ask:
        if ask.check is None:
            self._pieces.fault((*at, "check"), "is missing: what has to be true")
        return self._ask(ask, at, names, ())

    def _ask(
        self, ask: SilaAsk, at: KeyPath, names: Mapping[str, Shape], params: tuple[str, ...]
    ) -> Ask:
        if (ask.command is None) == (ask.property is None):
            self._pieces.fault(at, "expected one of command and property")
        key = "property" if ask.property is not None else "command"
        if ask.property is not None and ask.parameters:
            self._pieces.fault((*at, "parameters"), "only a command has them")
        written = ask.parameters
        if written is None:
            written = {} if key == "property" else {name: f"{{params.{name}}}" for name in params}
        feature = self._feature(ask.feature, (*at, "feature"))
        part = self._part(getattr(ask, key), feature, key, (*at, key))
        self._compare(feature, part, key, written, (*at, "parameters"))
        return Ask(
            feature=feature,
            part=part,
            is_property=key == "property",
            parameters=self._pieces.tree(written, (*at, "parameters"), names),
            check=self._pieces.maybe(ask.check, (*at, "check"), {**names, _answered(ask): Shape()}),
            otherwise=ask.otherwise or "",
            answer_s=ask.answer_s or self._robot.answer_s,
        )

    def _halt(self, stop: SilaStop, at: KeyPath) -> Halt:
        feature = self._feature(stop.feature, (*at, "feature"))
        command = self._part(stop.command, feature, "command", (*at, "command"))
        self._compare(feature, command, "command", stop.parameters, (*at, "parameters"))
        return Halt(feature=feature, command=command, parameters=dict(stop.parameters))

    # -- names and trees -----------------------------------------------------------------------

    def _feature(self, text: str | None, at: KeyPath) -> str:
        if not _FEATURE.fullmatch(text or ""):
            expected = "expected a full name such as org.silastandard/core/SiLAService/v1"
            self._pieces.fault(at, f"found {text!r}, {expected}")
        return text or ""

    def _part(self, text: str | None, feature: str, key: str, at: KeyPath) -> str:
        if text is None:
            return ""
        described = self._described.get(feature)
        if not _PART.fullmatch(text):
            self._pieces.fault(at, f"found {text!r}, expected a name such as PickAndPlace")
        elif described is not None:
            known = described.properties if key == "property" else described.commands.keys()
            if text not in known:
                self._pieces.fault(at, f"{feature} has no {text}{suggestion(text, known)}")
        return text

    def _compare(
        self, feature: str, part: str, key: str, written: Mapping[str, Any], at: KeyPath
    ) -> None:
        """With the description, where there is one."""
        described = self._described.get(feature)
        if described is None or key == "property" or part not in described.commands:
            return
        wanted = described.commands[part].keys()
        wrong = [f"{name} is missing" for name in wanted if name not in written]
        wrong += [f"there is no {name}" for name in written if name not in wanted]
        if wrong:
            self._pieces.fault(at, f"{part}: {'; '.join(wrong)}")


def _answered(ask: SilaAsk) -> str:
    """The name of what is answered, in expressions."""
    return "value" if ask.property is not None else "response"
