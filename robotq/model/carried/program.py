"""Programs of G-code that clients hand in, wherever their text is.

In the params of a command stands the text itself, as it came; or `HandedIn`, as long as a large one
is on its way; or, of an accepted command, `StoredProgram`. What the daemon carries out gets the
text back, or `ProgramFile`, where the driver reads it line by line. None of the three can be made
by what a client sends.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any, BinaryIO

from robotq.model.errors import RobotqError
from robotq.model.json import JsonValue
from robotq.model.task import Command

HEAD = 1_000
"""Characters of a program that stand in its task, so that people see which one it is."""
_BLOCK = 262_144
"""Bytes of a program that are read in one go: the decoder lets no other thread run."""


class ProgramFile:
    """The text of a program in an open file, which nobody can take away. Whoever opened it closes
    it; its lines can be read several times, one after the other."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def blocks(self) -> Iterator[str]:
        """Raises OSError."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        descriptor, at = self._stream.fileno(), 0
        while block := _read_at(descriptor, at):
            at += len(block)
            yield decoder.decode(block)
        yield decoder.decode(b"", final=True)

    def text(self) -> str:
        """Raises OSError."""
        return "".join(self.blocks())

    def close(self) -> None:
        self._stream.close()


if hasattr(os, "pread"):

    def _read_at(descriptor: int, at: int) -> bytes:
        return os.pread(descriptor, _BLOCK, at)

else:  # pragma: no cover - Windows

    def _read_at(descriptor: int, at: int) -> bytes:
        os.lseek(descriptor, at, os.SEEK_SET)
        return os.read(descriptor, _BLOCK)


class StoredProgram(dict[str, Any]):
    """In the params of an accepted command, in place of the text of a program: where that is.
    As an object for JSON; never changed after it was made."""

    @property
    def sha256(self) -> str:
        sha256: str = self["sha256"]
        return sha256

    @property
    def size(self) -> int:
        """Bytes of its text as UTF-8."""
        size: int = self["bytes"]
        return size

    @property
    def as_lines(self) -> bool:
        """It came as a list of lines."""
        return "as_lines" in self

    @property
    def whole(self) -> bool:
        """Whether its head is all of it."""
        return "more" not in self

    @property
    def shown(self) -> JsonValue:
        """As interfaces show it: a short one as it came; of a long one where it is, since half of
        a program must not be taken for one."""
        if self.whole:
            return _head_as_sent(self)
        return {"sha256": self.sha256, "bytes": self.size, "head": self["head"]}


class HandedIn(dict[str, Any]):
    """A program that is on its way, in a file without a name. As JSON it is `sha256` and `bytes`,
    so that who sends the same again is known by it."""

    file: ProgramFile
    head: str
    keep: Callable[[], None]
    """Give it its name, durably. Blocks."""

    def __init__(
        self, file: ProgramFile, *, sha256: str, size: int, head: str, keep: Callable[[], None]
    ) -> None:
        super().__init__(sha256=sha256, bytes=size)
        self.file = file
        self.head = head
        self.keep = keep


def stored(sha256: str, size: int, head: str, *, as_lines: bool = False) -> StoredProgram:
    """`head`: the beginning of its text, at least so much that `HEAD` characters are there."""
    made = StoredProgram(sha256=sha256, bytes=size, head=head[:HEAD])
    if len(head) > HEAD:
        made["more"] = True
    if as_lines:
        made["as_lines"] = True
    return made


def text_of(value: object) -> str | None:
    """The text of what a client has sent as a program, a text or a list of lines; None for what
    stays as it is."""
    if isinstance(value, str):
        return value
    if (
        isinstance(value, list)
        and value
        and all(isinstance(line, str) and _ONE_LINE(line) for line in value)
    ):
        return "\n".join(value)
    return None


_ONE_LINE = re.compile("[^\r\n\ufeff]+").fullmatch
"""Others are no line, or more than one, once they stand in a text."""


def text_bytes(value: object) -> int:
    """About how large a program of an accepted command is."""
    if isinstance(value, StoredProgram):
        return value.size
    return len(value) if isinstance(value, str) else 0


def programs_in(params: object) -> list[tuple[str, StoredProgram]]:
    """Those that a command names, by their parameter."""
    if not isinstance(params, dict):
        return []
    return [(name, value) for name, value in params.items() if type(value) is StoredProgram]


def with_programs(params: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Params as they are on disk, with `StoredProgram` again in those of these names."""
    return {**params, **{name: StoredProgram(params[name]) for name in names}}


def as_sent(params: JsonValue) -> JsonValue:
    """Params with the beginning of a program in its place, for whoever looks what kind of values
    they are."""
    if not isinstance(params, dict) or PROGRAMS.isdisjoint(map(type, params.values())):
        return params
    return {
        name: value.head if type(value) is HandedIn
        else _head_as_sent(value) if type(value) is StoredProgram else value
        for name, value in params.items()
    }  # fmt: skip


def _head_as_sent(program: StoredProgram) -> JsonValue:
    head: str = program["head"]
    return head.split("\n") if program.as_lines else head


PROGRAMS = frozenset({StoredProgram, HandedIn})
"""What stands in params in place of a text."""


def shown_params(command: Command) -> JsonValue:
    """The params of a command as interfaces show them."""
    params = command.params
    programs = programs_in(params)
    if not programs or not isinstance(params, dict):
        return params
    return {**params, **{name: program.shown for name, program in programs}}


SUFFIXES = (".nc", ".gcode", ".ngc", ".gco", ".tap")
CARRIED_OUT_BY = "RUN_GCODE"
"""The command that gets such a file."""
PROGRAM = "program"
"""Its parameter."""
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def is_program(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def robot_in(name: str) -> str | None:
    """The robot that `part@gantry.nc` names."""
    _, mark, robot = PurePath(name).stem.rpartition("@")
    return robot if mark else None


def program_text(content: bytes) -> str:
    """The text of a program. UTF-8, or UTF-16 where it says so; else each byte is a character:
    comments of older tools are in the code page of their country, and what is no comment has to be
    ASCII, which is looked at when the program is read. Raises RobotqError bad_parameter."""
    if content.startswith(WIDE):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            reason = "it begins like UTF-16, and is none"
            raise RobotqError("bad_parameter", field="program", reason=reason) from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")
