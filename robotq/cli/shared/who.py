"""Who types: by their name the journal has what they do, where nobody needs a key."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

_LONGEST = 64


def who_is_here(environ: Mapping[str, str] = os.environ) -> str:
    """ROBOTQ_NAME, else user@host."""
    said = " ".join(environ.get("ROBOTQ_NAME", "").split())
    if said:
        return said[:_LONGEST]
    user = environ.get("LOGNAME") or environ.get("USER") or _user()
    return f"{user}@{socket.gethostname().partition('.')[0]}"[:_LONGEST]


def _user() -> str:
    try:
        import pwd  # noqa: PLC0415 - not on Windows, and hardly ever needed

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        # a container runs as a number that nobody has named
        return "somebody"
