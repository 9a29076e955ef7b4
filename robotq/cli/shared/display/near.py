"""What a person meant perhaps."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 80
"""Characters of a wrong word that are compared."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that reads like this one."""
    # nobody who types well waits for it
    from difflib import get_close_matches  # noqa: PLC0415

    spelled = {name.casefold(): name for name in known}
    near = get_close_matches(word[:_LONGEST].casefold(), spelled, n=1)
    return spelled[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean status?`, or nothing."""
    near = nearest(word, known)
    return f"; did you mean {near}?" if near else ""


def sentences(first: str, second: str) -> str:
    """Both, where the first one may be a question."""
    return f"{first}{'' if first.endswith('?') else '.'} {second}"
