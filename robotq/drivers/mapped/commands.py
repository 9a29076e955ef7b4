"""What drivers have in common whose robots do the commands that their own options name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from robotq.config.strict_yaml import KeyPath, key_text
from robotq.drivers.base import DriverError, UnknownCommand
from robotq.drivers.params import Param, schema_of
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.steps import Program


class Written(Protocol):
    """A command as an operator has written it."""

    @property
    def title(self) -> Mapping[Any, str]: ...

    @property
    def timeout_s(self) -> float: ...

    @property
    def approval(self) -> bool: ...

    @property
    def resources(self) -> list[str]: ...


class Mapped(Protocol):
    """What is done for one command."""

    @property
    def params(self) -> Mapping[str, Param]: ...

    @property
    def query(self) -> bool: ...


MappedT = TypeVar("MappedT", bound=Mapped)


class MappedOptions(ABC, Generic[MappedT]):
    """Options that say themselves which commands their robot can do. They are `KnowsCommands` and
    `BringsCommands`."""

    __slots__ = ()

    does: ClassVar[str]
    """What kind of robot it is, and what it does, in words."""

    @property
    @abstractmethod
    def programs(self) -> Mapping[str, MappedT]:
        """By cmd_type."""

    @property
    @abstractmethod
    def written(self) -> Mapping[str, Written]:
        """By cmd_type."""

    def program(self, command: Command) -> MappedT:
        """Raises UnknownCommand."""
        program = self.programs.get(command.cmd_type)
        if program is None:
            raise UnknownCommand(self.lacks(command.cmd_type, None) or "")
        return program

    def reads(self, program: MappedT) -> bool:
        """It moves and changes nothing."""
        return program.query

    def lacks(self, cmd_type: str, program: Program | None) -> str | None:
        """Of `KnowsCommands`."""
        if program is not None:
            return f"{self.does}, and no steps"
        names = self.programs
        return None if cmd_type in names else f"it can do {', '.join(names) or 'nothing'}"

    @property
    def brings(self) -> Mapping[str, JsonObject]:
        """Of `BringsCommands`."""
        return {name: self._brought(name, each) for name, each in self.programs.items()}

    def _brought(self, name: str, program: MappedT) -> JsonObject:
        written = self.written[name]
        return {
            "kind": "query" if program.query else "queued",
            "title": dict(written.title),
            "schema": schema_of(program.params),
            "timeout_s": written.timeout_s,
            "idempotent": self.reads(program),
            "approval": written.approval,
            "resources": list(written.resources),
        }


class CannotPause:
    """Of a driver whose robot cannot pause a motion."""

    def hold(self) -> None:
        raise DriverError("this robot cannot pause")

    def resume(self) -> None:
        raise DriverError("this robot cannot pause")


def wrong_options(robot: str, faults: Iterable[tuple[KeyPath, str]]) -> ConfigError:
    """One line for each fault."""
    where = f"robots.{robot}.options"
    lines = (
        f"{where}: {key_text(at)}: {text}" if at else f"{where}: {text}" for at, text in faults
    )
    return ConfigError("\n".join(lines))
