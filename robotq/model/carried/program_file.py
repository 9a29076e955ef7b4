"""Files that hold a program of G-code, as CAM tools write them."""

from __future__ import annotations

import codecs
from pathlib import PurePath

from robotq.model.errors import RobotqError

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
