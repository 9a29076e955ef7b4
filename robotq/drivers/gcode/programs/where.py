"""What ends a program says where it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from robotq.drivers.base import Ended
from robotq.drivers.gcode.channel import LineChannel
from robotq.drivers.gcode.programs.place import place_of
from robotq.drivers.gcode.reader.lines import Program


@contextmanager
def telling_where(
    lines: Program, channel: LineChannel[Any], *, planned_most: int, one_by_one: bool
) -> Iterator[None]:
    """Inside, these are sent. `planned_most` and `one_by_one` as `place_of` has them."""
    channel.begin_program()
    try:
        yield
    except Ended as error:
        complaint = channel.complaint
        refused = None if complaint is None or complaint[0] is None else complaint[0].number
        sent, answered = channel.of_program()
        error.stopped_at = place_of(
            lines,
            sent=sent,
            answered=answered,
            planned_most=planned_most,
            one_by_one=one_by_one,
            refused=refused or None,
        )
        raise
