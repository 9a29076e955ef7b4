"""The questions that `python main.py` asks when it gets no arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.words import say
from robotq.config import packaged

_ATTEMPTS = 5
"""Wrong answers taken before the program ends."""

_SAMPLE = "SCAN_QR_CODE_command.json"


def choose(title: str, choices: Sequence[str], default: str, source: TextIO) -> str:
    """Ask until one of `choices` is entered; Enter and the end of input take the default.

    Raises Failure after five wrong answers.
    """
    allowed = "/".join(choices)
    print(say(title))
    for choice in choices:
        print(say(f"{title}.{choice}"))
    for _ in range(_ATTEMPTS):
        answer = _answer(say("menu.ask", choices=allowed, default=default), source) or default
        if answer in choices:
            return answer
        print(say("menu.again", answer=answer, choices=allowed))
    raise Failure(say("menu.give_up"), ExitCode.USAGE)


def arguments_from_menu(source: TextIO) -> list[str]:
    """The arguments of the robotq command that a person chose."""
    mode = choose("menu.mode", ("1", "2", "3"), "1", source)
    return _QUESTIONS[mode](source)


def _server(source: TextIO) -> list[str]:
    execution = choose("menu.execution", ("1", "2"), "2", source)
    return ["serve", "--mode", "sync" if execution == "1" else "queue"]


def _files(source: TextIO) -> list[str]:
    sample = sample_command()
    answer = _answer(say("menu.files", default=sample), source)
    return ["run", *(answer.split() or [str(sample)])]


def _self_test(_source: TextIO) -> list[str]:
    return ["self-test"]


_QUESTIONS: dict[str, Callable[[TextIO], list[str]]] = {
    "1": _server,
    "2": _files,
    "3": _self_test,
}


def sample_command() -> Path:
    """The command file of the documents: the one in ./commands where there is one, which a
    user may have edited, else the packaged one."""
    here = Path("commands") / _SAMPLE
    return here if here.is_file() else packaged("commands") / _SAMPLE


def _answer(question: str, source: TextIO) -> str:
    print(question, end="", flush=True)
    line = source.readline()
    if not source.isatty():
        # what a person types ends the line on the screen; what a pipe brings does not
        print()
    return line.strip()
