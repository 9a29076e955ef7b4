"""One command: its words become the arguments of its function."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from robotq.cli.shared.display.near import did_you_mean, sentences
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.parse.parameters import Exit, parameters_of

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Command:
    """A function that is called from a command line."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.callback = function
        self.parameters = tuple(parameters_of(function))

    @property
    def text(self) -> str:
        """What it does."""
        return " ".join((self.callback.__doc__ or "").split())

    def __call__(self, words: Sequence[str], environ: Mapping[str, str] = os.environ) -> None:
        """Raises Failure for words that mean nothing here, Exit."""
        if _wants_help(words):
            from robotq.cli.shared.parse.help import show_command  # noqa: PLC0415

            show_command(self.name, self.text, self.parameters)
            raise Exit
        try:
            given = self.read(words)
            for one in self.parameters:
                if one.name not in given:
                    given[one.name] = one.absent(environ)
        except Failure as failure:
            hint = f"`robotq {self.name} --help` says what it takes"
            told = sentences(f"robotq {self.name}: {failure}", hint)
            raise Failure(told, failure.code) from None
        self.callback(**given)

    def read(self, words: Sequence[str]) -> dict[str, Any]:
        """What the words say, by the names of the parameters. Raises Failure."""
        given: dict[str, Any] = {}
        loose: list[str] = []
        rest = iter(words)
        for word in rest:
            if word == "--":
                loose += rest
            elif word.startswith("-") and word != "-" and not _is_number(word):
                self._option(word, rest, given)
            else:
                loose.append(word)
        self._arguments(loose, given)
        return given

    def _option(self, word: str, rest: Iterator[str], given: dict[str, Any]) -> None:
        name, equals, value = word.partition("=")
        if not word.startswith("--") and len(word) > 2:
            # a short one with its value behind it, -n5
            name, value, equals = word[:2], word[2:].removeprefix("="), "="
        one = next((one for one in self.parameters if name in (*one.yes, *one.no)), None)
        if one is None or not one.is_option:
            known = [name for one in self.parameters if one.is_option for name in one.yes + one.no]
            told = f"there is no option {name[:80]}{did_you_mean(name, known)}"
            raise Failure(told, ExitCode.USAGE)
        if one.flag:
            if equals:
                raise Failure(f"{name} takes no value", ExitCode.USAGE)
            given[one.name] = name in one.yes
            return
        if not equals:
            try:
                value = next(rest)
            except StopIteration:
                raise Failure(f"{name} needs a value: {one.value_name}", ExitCode.USAGE) from None
        if one.many:
            given.setdefault(one.name, []).append(one.value(value))
        else:
            given[one.name] = one.value(value)

    def _arguments(self, loose: list[str], given: dict[str, Any]) -> None:
        for one in self.parameters:
            if one.is_option or not loose:
                continue
            if one.many:
                given[one.name] = [one.value(word) for word in loose]
                loose.clear()
            else:
                given[one.name] = one.value(loose.pop(0))
        if loose:
            raise Failure(f"nothing is known of {loose[0][:80]!r}", ExitCode.USAGE)


class Group:
    """Commands below one name, such as `robotq keys new`."""

    def __init__(self, name: str, *, help: str) -> None:  # noqa: A002
        self.name = name
        self.text = help
        self.commands: dict[str, Command] = {}

    def command(self, name: str) -> Callable[[_Function], _Function]:
        """Make the decorated function the command of this name."""

        def add(function: _Function) -> _Function:
            self.commands[name] = Command(f"{self.name} {name}", function)
            return function

        return add

    def __call__(self, words: Sequence[str], environ: Mapping[str, str] = os.environ) -> None:
        """Raises Failure, Exit."""
        if not words or words[0].startswith("-"):
            if not words or _wants_help(words):
                from robotq.cli.shared.parse.help import show_group  # noqa: PLC0415

                commands = [(name, one.text) for name, one in self.commands.items()]
                show_group(self.name, self.text, commands)
                raise Exit(ExitCode.OK if words else ExitCode.USAGE)
            raise Failure(f"robotq {self.name}: expected one of {self._listed()}", ExitCode.USAGE)
        command = self.commands.get(words[0])
        if command is None:
            near = did_you_mean(words[0], self.commands)
            told = (
                f"robotq {self.name}: there is no {words[0][:80]!r}{near} It has {self._listed()}"
            )
            raise Failure(told if near else told.replace(" It has", ". It has"), ExitCode.USAGE)
        command(words[1:], environ)

    def _listed(self) -> str:
        return ", ".join(self.commands)


def _wants_help(words: Sequence[str]) -> bool:
    before = words[: words.index("--")] if "--" in words else words
    return "--help" in before


def _is_number(word: str) -> bool:
    return word[1:2].isdigit()
