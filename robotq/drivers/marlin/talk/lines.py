"""Lines that the driver sends of itself, and bytes that stop."""

from __future__ import annotations

from robotq.drivers.gcode.reader.lines import Line

MARKER = Line(text="M114", number=0, codes=("M114",), motion=False)
"""Its answer is like no other, so it shows how far the controller has got."""

RESTART = Line(text="M110 N0", number=0, codes=("M110",), motion=False)

IDENTIFY = Line(text="M115", number=0, codes=("M115",), motion=False)

FINISH = Line(text="M400", number=0, codes=("M400",), motion=False)
"""Answered when nothing is planned any more."""

STEPS = Line(text="M92", number=0, codes=("M92",), motion=False)
"""Without values it is a question: how many steps an axis has in a millimetre."""

ABSOLUTE = Line(text="G90", number=0, codes=("G90",), motion=False)

GO_ON = Line(text="M108", number=0, codes=("M108",), motion=False)
"""Ends a wait for a person. With a number like every line, so that its answer counts for it; the
emergency parser reads it where it comes in, ahead of what waits."""

_ENDS_OTHER = b"\n\n"
"""Ends whatever is half written. Twice: where that breaks off in its number or in the middle of a
code, Marlin's emergency parser takes the first line end for a part of it, and leaves out the line
behind it."""

QUICK_STOP = _ENDS_OTHER + b"M108\nM410\n"
"""M108 ends a wait for heat or for a person."""

STOP_AGAIN = _ENDS_OTHER + b"M410\n"

_NO_NUMBER = b"N99999999 "
"""Of no line that comes next."""

STOP_ON = _ENDS_OTHER + _NO_NUMBER + b"M108\n" + _NO_NUMBER + b"M410\n"
"""For a stop that goes on. Marlin may read nothing meanwhile, and what its buffer has no room for
is lost: a half M108 would be an M1, a half M410 an M4. The emergency parser hears a line with a
number too; in the buffer it is refused whatever is left of it, and what has come behind it is
thrown away. M108, since what comes next in its queue may be a pause."""

SHUTDOWN = _ENDS_OTHER + b"M112\n"
"""The controller halts, and has to be restarted."""
