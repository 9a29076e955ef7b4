"""What one kind of controller may be given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from robotq.drivers.gcode.reader.codes import Codes

LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""All that may begin a word."""


class Modes(NamedTuple):
    """What lines leave to the lines behind them, as far as it decides what these mean; empty where
    it is not known."""

    motion: str = ""
    """The code that bare coordinates mean; G80: none."""
    plane: str = ""
    feed: str = ""
    """G93 or G94."""
    distance: str = ""
    """G90 or G91."""
    units: str = ""
    """G20 or G21."""
    fed: str = ""
    """Whether a feed is in effect since the last change between G93 and G94: yes or no."""


UNKNOWN = Modes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How one kind of controller reads lines, and what it is not given."""

    firmware: str = "this controller"
    """What it is called in messages."""
    longest: int
    """Bytes of a line, without its end."""
    digits: int = 9
    """Digits of a number that it reads; a longer one is rounded to them."""
    denied: Mapping[str, str] = field(default_factory=dict)
    """Code, such as M81 -> why it is refused."""
    alone: frozenset[str] = frozenset()
    """Codes during which the controller may lose what comes in: nothing else is sent before
    they are answered."""
    fractions: frozenset[str] | None = None
    """The codes with a fraction that the controller tells from those without one, as G92.1 from
    G92; None: it tells all of them."""
    letters: frozenset[str] = LETTERS
    """The letters that begin a word the controller knows."""
    ends: frozenset[str] = frozenset({"M2", "M30"})
    """Codes after which a program is over: nothing behind them is read or sent."""
    end_is_known: bool = True
    """The controller knows M2 itself; where not, it is the end of the program and is not sent."""
    one_code: bool = False
    """It carries out one code of a line only; see `gcode.reader.one_code`."""
    bare_words: bool = False
    """A letter may stand without a number behind a code, as in `G28 X`."""
    block_delete: str = "refuse"
    """What becomes of lines that begin with `/`: refuse, skip, or run."""
    texts: frozenset[str] = frozenset()
    """Codes whose rest is a text, such as M117: it is sent as it is written."""
    dwell_units_s: Mapping[str, float] = field(default_factory=lambda: {"P": 1.0})
    """Letter of a G4 -> seconds of its unit."""
    remarks: frozenset[str] = frozenset()
    """Codes that may be followed by words or by a text, such as M0."""
    codes: Codes | None = None
    """The codes that it knows; None: nothing is said about them."""
    strict: bool = False
    """It refuses words that no code of their line uses, and two codes of one group."""
    most_tool: int | None = None
    """The largest number behind a T."""
    tools: frozenset[str] | None = None
    """The tools that it has where T is a code; None: nothing is said about them."""
    client: bool = False
    """The lines come from somebody who may not change more than this one command."""
    allowed: frozenset[str] = frozenset()
    """Codes that the configuration allows to all programs, whether they are in `codes` or not."""
    unchanged: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Code -> the only word that a client may give it, and why."""
    with_axes: Mapping[str, str] = field(default_factory=dict)
    """Code -> why a client may not give it axes."""
    own: Mapping[str, str] = field(default_factory=dict)
    """Code -> why nobody may send it."""
    translated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Code -> the lines that are sent in its place."""
    start: Modes = UNKNOWN
    """What is in effect before the first line."""
