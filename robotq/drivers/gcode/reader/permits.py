"""Whether a controller knows a code, and whether whoever sends it may."""

from __future__ import annotations

from collections.abc import Sequence

from robotq.drivers.gcode.reader.rules import Rules
from robotq.drivers.gcode.reader.words import Refused, Word, plain

_AXES = "XYZABCUVW"


def require_allowed(code: str, rules: Rules) -> None:
    """Raises Refused."""
    whole, point, _ = code.partition(".")
    # M81.5 is taken for M81 by firmware that reads whole numbers
    reason = rules.denied.get(code) or rules.denied.get(whole)
    if reason is not None:
        raise Refused(f"{code} is refused: {reason}")
    if point and rules.fractions is not None and code not in rules.fractions:
        raise Refused(f"{code} is refused: it would be carried out as {whole}")
    if rules.codes is None or code in rules.allowed:
        return
    known = rules.codes.get(code)
    out = f"`translate: {{{code}: null}}` leaves it out"
    if known is None:
        raise Refused(
            f"{rules.firmware} does not know {code}; {out}, `allow: [{code}]` sends it all the same"
        )
    if known.lasting and rules.client:
        raise Refused(f"{code} is refused: {known.lasting}; {out}, `allow: [{code}]` lets it pass")
    if known.build and rules.client:
        raise Refused(
            f"{code}: {rules.firmware} knows it only with {known.build}; {out}, "
            f"`allow: [{code}]` says that it has this"
        )


def require_values(words: Sequence[Word], codes: Sequence[str], rules: Rules) -> None:
    """What a client may not say with a code that he may send. Raises Refused."""
    if rules.tools is not None:
        for letter, value in words:
            tool = letter + plain(value) if letter == "T" and value else ""
            if tool and tool not in rules.tools | rules.allowed and words[0][0] == "T":
                raise Refused(
                    f"{tool}: this controller is not known to have such a tool; "
                    f"`allow: [{tool}]` says that it has"
                )
    for code in codes:
        if code in rules.allowed:
            continue
        if code in rules.unchanged:
            only, why = rules.unchanged[code]
            if [letter + plain(value) for letter, value in words[1:]] != [only]:
                raise Refused(f"{code} is refused: {why}; `{code} {only}` is taken, and "
                              f"`allow: [{code}]` takes all")  # fmt: skip
        if code in rules.with_axes and any(letter in _AXES for letter, _ in words):
            raise Refused(f"{code} is refused: {rules.with_axes[code]}; `allow: [{code}]` takes it")
