"""Where a program was when its command ended before it: what a person needs to go on by hand."""

from __future__ import annotations

from typing import Any

import msgspec

from robotq.model.json import JsonObject
from robotq.model.texts import Language, text

KEY = "stopped_at"
"""Under which it stands in the arguments of an error, and in a result."""


class ProgramLine(msgspec.Struct, frozen=True, kw_only=True):
    line: int
    """Of the program as it was handed in, from 1."""
    text: str
    """As it was sent."""


class StoppedAt(msgspec.Struct, frozen=True, kw_only=True):
    lines: int
    """The number of the program's last line that is sent."""
    answered: ProgramLine | None = None
    """The last one that the controller has answered. None: none."""
    done: ProgramLine | None = None
    """The last one of which it is certain that it was carried out, with all before it. None: of
    none it is."""
    begun: ProgramLine | None = None
    """The last one that may have begun: nothing behind it was sent. None: none was sent."""

    def view(self) -> JsonObject:
        plain: JsonObject = msgspec.to_builtins(self)
        return plain


def stopped_at_in(args: JsonObject) -> StoppedAt | None:
    """What an error says of it. Drivers from elsewhere may put anything there."""
    found = args.get(KEY)
    if found is None:
        return None
    try:
        return msgspec.convert(found, StoppedAt)
    except msgspec.ValidationError:
        return None


def stopped_at_text(at: StoppedAt, language: Language) -> str:
    if at.begun is None:
        return text("stopped_at.none_sent", {}, language)
    args: dict[str, Any] = {"lines": at.lines, "begun": at.begun.line}
    if at.answered is None:
        return text("stopped_at.none_answered", args, language)
    args |= {"answered": at.answered.line, "line": at.answered.text[:80]}
    told = text("stopped_at.answered", args, language)
    if at.done is None:
        return f"{told} {text('stopped_at.none_done', {}, language)}"
    return f"{told} {text('stopped_at.done', {'done': at.done.line}, language)}"
