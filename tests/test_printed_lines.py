"""What docs print is what can be typed: every line of `robotq` in them is read by the command
line itself, and the files that they name are there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.cli import COMMANDS, command_line
from robotq.cli.shared.failure import Failure
from robotq.cli.shared.parse import Command, Group

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("tutorial/*.md")),
    *sorted((ROOT / "docs").glob("guides/*.md")),
    *sorted((ROOT / "docs").glob("drivers/*.md")),
]
_BLOCK = re.compile(r"^```(?:bash|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(robotq [^`\n]+)`")
_ENDS = {"|", "||", "&&", ";", ">", ">>", "<", "&"}


def blocks(page: Path) -> list[str]:
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


def lines_of(block: str) -> Iterator[str]:
    """The lines of a block as a shell reads them, without texts that go to a file."""
    text = re.sub(r"\\\n\s*", " ", block)
    end = None
    for line in text.splitlines():
        if end is not None:
            end = None if line == end else end
            continue
        here = re.search(r"<<\s*'?(\w+)'?", line)
        end = here[1] if here else None
        if line.strip() and not line.lstrip().startswith("#"):
            yield line


def calls(line: str) -> Iterator[list[str]]:
    """The words behind each `robotq` in a line."""
    reader = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    reader.whitespace_split = True
    words: list[str] = []
    for word in [*reader, ";"]:
        if word not in _ENDS:
            words.append(word)
            continue
        at = [i for i, one in enumerate(words) if re.search(r"(^|/)(robotq|main\.py)$", one)]
        # a path may be an argument too, as in `ln -s`
        if at and (at[0] == 0 or words[0] in ("sudo", "exec", "time") or "main.py" in words[at[0]]):
            yield words[at[-1 if words[0] == "sudo" else 0] + 1 :]
        words = []


def check(words: list[str]) -> str | None:
    """What the command line says against it."""
    if not words or words[0].startswith("-"):
        return None
    try:
        called = command_line(words)
        if isinstance(called, Group):
            called, words = called.commands[words[1]], words[1:]
        if isinstance(called, Command):
            called.read(words[1:])
    except (Failure, KeyError) as problem:
        return str(problem)
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_printed_lines__are_what_the_command_line_takes(page: Path) -> None:
    wrong = []
    for block in blocks(page):
        for line in lines_of(block):
            for words in calls(line):
                told = check([word for word in words if word not in ("…", "...")])
                if told is not None:
                    wrong.append(f"{line}: {told}")
    for text in _INLINE.findall(page.read_text(encoding="utf-8")):
        words = text.split()[1:]
        if words[0] in COMMANDS and not set("…|[") & set(text):
            known = options_of(words)
            unknown = [
                word for word in words if word.startswith("--") and option(word) not in known
            ]
            wrong += [f"{text}: {word}" for word in unknown]
        elif words[0] not in COMMANDS and words[0].islower() and words[0].isalpha():
            wrong.append(f"{text}: no command")
    assert wrong == []


def option(word: str) -> str:
    return word.partition("=")[0].rstrip(".,)")


def options_of(words: list[str]) -> set[str]:
    called = command_line(words)
    if isinstance(called, Group):
        commands = called.commands.values()
        return {name for one in commands for name in options(one)}
    assert isinstance(called, Command)
    return options(called)


def options(command: Command) -> set[str]:
    return {"--help", "--"} | {name for one in command.parameters for name in one.yes + one.no}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_printed_lines__name_files_that_are_there(page: Path) -> None:
    made = set(re.findall(r"(?:>|-out|-keyout|--link)\s+(\S+)", page.read_text(encoding="utf-8")))
    missing = [
        name
        for block in blocks(page)
        for line in lines_of(block)
        for name in re.findall(r"(?<![\w/.])((?:config|commands|examples)/[\w@./-]+\.\w+)", line)
        if name not in made and not (ROOT / name).exists()
    ]
    assert missing == []
