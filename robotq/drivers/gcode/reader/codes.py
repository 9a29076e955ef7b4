"""Tables of codes: what a firmware makes of each, and where that is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code of one firmware."""

    source: str
    """File or page that says so."""
    group: str = ""
    """Two codes of one group cannot stand on one line."""
    axes: str = ""
    """What the axis words of its line are for: `motion`, or `own` for this code itself."""
    takes: str = ""
    """Letters that it uses beside axis words and those that stand for themselves (F, S, T)."""
    needs: tuple[str, ...] = ()
    """Letters: one of each of these texts has to be there."""
    build: str = ""
    """The option of the firmware without which it does not know this code. A program of a client
    may hold it only where the configuration allows it."""
    empty: str = ""
    """Why it is not sent: it says what is so anyway."""
    lasting: str = ""
    """Why no program of a client may hold it: it changes more than this one command."""


Codes = Mapping[str, Code]


def codes(
    names: str,
    source: str,
    *,
    group: str = "",
    axes: str = "",
    takes: str = "",
    needs: tuple[str, ...] = (),
    build: str = "",
    empty: str = "",
    lasting: str = "",
) -> dict[str, Code]:
    """A row of a table: codes, with blanks between, of which the same is true. `M104-M109` are all
    of these."""
    code = Code(
        source=source,
        group=group,
        axes=axes,
        takes=takes,
        needs=needs,
        build=build,
        empty=empty,
        lasting=lasting,
    )
    return {name: code for each in names.split() for name in _spread(each)}


def _spread(text: str) -> list[str]:
    first, dash, last = text.partition("-")
    if not dash:
        return [text]
    return [f"{first[0]}{number}" for number in range(int(first[1:]), int(last[1:]) + 1)]


LETTERS_OF: Mapping[str, str] = {
    **dict.fromkeys(("M3", "M4"), "S"),
    "G4": "P",
    "G43": "H",
    "G64": "P",
    **dict.fromkeys(("G41", "G42"), "D"),
    **dict.fromkeys(("G81", "G82", "G83", "G73", "G85", "G86", "G89"), "XYZRPQL"),
}
"""Letters that belong to a code by the standard (RS274/NGC, table of G-codes): they go with it
where the code is left out or replaced. To other codes belongs the whole line."""
ALONE = frozenset(
    {"M0", "M1", "M2", "M5", "M6", "M7", "M8", "M9", "M30", "M48", "M49", "M60"}
    | {f"G{number}" for number in (17, 18, 19, 20, 21, 40, 49, 53, 61, 80, 90, 91, 93, 94, 98, 99)}
    | {f"G{number}" for number in range(54, 60)}
    | {"G91.1", "G90.1", "G92.1", "G61.1", "G95", "G96", "G97"}
)
"""Codes to which no letter belongs."""
LAST = frozenset({"M0", "M1", "M2", "M30", "M60"})
"""Codes that take effect behind the motion of their line (RS274/NGC, order of execution)."""
TEXTS = frozenset({"M16", "M23", "M28", "M32", "M33", "M117", "M118", "M928"})
"""Codes that are followed by a text wherever they are known."""
