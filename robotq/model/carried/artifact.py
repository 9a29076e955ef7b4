"""A file that a task has left behind, such as the picture in which a code was read."""

from __future__ import annotations

import re

import msgspec

LONGEST_NAME = 100
"""Characters of a name."""
OTHER = "application/octet-stream"
"""What everything counts as that is not in the list below."""
MEDIA_TYPES = frozenset(
    {"application/json", "image/jpeg", "image/png", "image/webp", "text/csv", "text/plain"}
)
"""No browser runs anything in these. Whatever else a driver says is served as OTHER."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


class Artifact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One file of a task."""

    name: str
    media_type: str
    size: int
    """Bytes."""
    sha256: str
    """Of what is in it, hex."""
    not_kept: str | None = None
    """Why it is not there: a code `reason.…` of `model.texts`. None: it is."""


def media_type_of(told: str) -> str:
    """The media type under which something is kept and served."""
    plain = told.partition(";")[0].strip().lower()
    return plain if plain in MEDIA_TYPES else OTHER


def is_name(text: str) -> bool:
    """Whether an artifact can have this name. It is never a path."""
    return len(text) <= LONGEST_NAME and _NAME.fullmatch(text) is not None


def name_of(told: str, number: int = 1) -> str:
    """A name like the one that a driver has given. `number`: how many have asked for it so far,
    with this one; from the second on it stands in front of the ending."""
    name = _ODD.sub("_", told).lstrip("._-") or "artifact"
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending) > 10:
        stem, dot, ending = name, "", ""
    mark = "" if number == 1 else f"-{number}"
    return f"{stem[: LONGEST_NAME - len(mark) - len(dot) - len(ending)]}{mark}{dot}{ending}"
