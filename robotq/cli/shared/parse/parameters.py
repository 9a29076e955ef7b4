"""What a command takes: its arguments and options, as the annotations of a function say it."""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from robotq.cli.shared.display.near import did_you_mean
from robotq.cli.shared.failure import ExitCode, Failure

_MISSING = object()


class Exit(Exception):
    """The command is over, with this exit code."""

    def __init__(self, code: int = ExitCode.OK) -> None:
        super().__init__(code)
        self.code = code


class _Info:
    """What an annotation says of a parameter."""

    def __init__(
        self,
        *names: str,
        help: str = "",  # noqa: A002 - as it stands in every library for this
        metavar: str | None = None,
        envvar: str | None = None,
        min: float | None = None,  # noqa: A002
        max: float | None = None,  # noqa: A002
    ) -> None:
        self.names = names
        self.help = " ".join(help.split())
        self.metavar = metavar
        self.envvar = envvar
        self.least = min
        self.most = max


class Argument(_Info):
    """A parameter that is known by its place."""


class Option(_Info):
    """A parameter that is known by its name; of two names that a `/` divides, the second one
    says no."""


class Parameter:
    """One parameter of a command."""

    def __init__(self, name: str, kind: Any, info: _Info, default: object) -> None:
        self.name = name
        self.info = info
        self.is_option = isinstance(info, Option)
        self.required = default is _MISSING
        self.default: Any = None if self.required else default
        parts = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
        self.kind: Any = next(part for part in parts if part is not type(None))
        self.many = get_origin(self.kind) is list
        if self.many:
            (self.kind,) = get_args(self.kind)
        self.flag = self.kind is bool
        names = [part for one in info.names for part in one.split("/")]
        self.yes = [one for one in names if not one.startswith("--no-")] if self.flag else names
        self.no = [one for one in names if one.startswith("--no-")] if self.flag else []

    @property
    def choices(self) -> Sequence[str]:
        """The words that it can be; none: any."""
        if get_origin(self.kind) is Literal:
            return [str(one) for one in get_args(self.kind)]
        if isinstance(self.kind, type) and issubclass(self.kind, Enum):
            return [str(one.value) for one in self.kind]
        return ()

    @property
    def value_name(self) -> str:
        """What stands for its value."""
        words = {int: "NUMBER", float: "NUMBER", Path: "PATH"}
        told = self.info.metavar or "/".join(self.choices) or words.get(self.kind, "TEXT")
        return told if self.is_option else self.info.metavar or self.name.upper()

    @property
    def shown(self) -> str:
        """As it is typed."""
        if self.is_option:
            value = "" if self.flag else f" {self.value_name}"
            return ", ".join([*self.yes, *self.no]) + value
        shown = self.value_name + ("..." if self.many else "")
        return shown if self.required else f"[{shown}]"

    def value(self, text: str) -> Any:
        """What `text` means here. Raises Failure."""
        choices = self.choices
        if choices:
            if text not in choices:
                listed = ", ".join(choices)
                raise self._wrong(text, f"one of {listed}{did_you_mean(text, choices)}")
            return text if get_origin(self.kind) is Literal else self.kind(text)
        convert = _KINDS[self.kind]
        try:
            value = convert(text)
        except ValueError:
            expected = "a whole number" if self.kind is int else "a number"
            raise self._wrong(text, expected) from None
        least, most = self.info.least, self.info.most
        if least is not None and value < least:
            raise self._wrong(text, f"at least {least:g}")
        if most is not None and value > most:
            raise self._wrong(text, f"at most {most:g}")
        return value

    def absent(self, environ: Mapping[str, str]) -> Any:
        """Its value where nobody has typed it. Raises Failure."""
        variable = self.info.envvar
        if variable and environ.get(variable):
            value = self.value(environ[variable])
            return [value] if self.many else value
        if self.required:
            what = self.yes[0] if self.is_option else self.value_name
            raise Failure(f"{what} is missing", ExitCode.USAGE)
        return list(self.default) if isinstance(self.default, list) else self.default

    def _wrong(self, text: str, expected: str) -> Failure:
        what = self.yes[0] if self.is_option else self.value_name
        return Failure(f"{what}: found {text[:80]!r}, expected {expected}", ExitCode.USAGE)


def _number(text: str) -> float:
    value = float(text)
    if math.isnan(value):
        raise ValueError(text)
    return value


_KINDS: Mapping[Any, Callable[[str], Any]] = {str: str, Path: Path, int: int, float: _number}


def parameters_of(function: Callable[..., Any]) -> Iterator[Parameter]:
    """The parameters of a function, in their order."""
    hints = get_type_hints(function, include_extras=True)
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    placed = function.__defaults__ or ()
    first = code.co_argcount - len(placed)
    defaults = dict(zip(names[first : code.co_argcount], placed, strict=True))
    defaults |= function.__kwdefaults__ or {}
    for name in names:
        kind, info = get_args(hints[name])
        yield Parameter(name, kind, info, defaults.get(name, _MISSING))
