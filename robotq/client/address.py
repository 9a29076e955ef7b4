"""Where the daemon is, and what every request to it carries."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from robotq.model.version import __version__

DEFAULT_URL = "http://127.0.0.1:8090"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    url: str
    """Without a slash at its end."""
    secure: bool
    host: str
    port: int
    prefix: str
    """The path below which the daemon is, e.g. behind a proxy; empty, or it begins with /."""
    headers: Mapping[str, str]


def address_of(
    url: str | None, key: str | None, language: str | None, headers: Mapping[str, str]
) -> Address:
    """Raises ValueError for a url that is none."""
    text = (url or os.environ.get("ROBOTQ_URL") or DEFAULT_URL).rstrip("/")
    parts = urlsplit(text)
    secure = parts.scheme == "https"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{text} is no address of a daemon, such as {DEFAULT_URL}")
    all_headers = {
        "User-Agent": f"robotq/{__version__}",
        "Accept": "application/json",
        "Content-Type": "application/json",
        **headers,
    }
    if language is not None:
        all_headers["Accept-Language"] = language
    if found := key or os.environ.get("ROBOTQ_KEY"):
        all_headers["Authorization"] = f"Bearer {found}"
    return Address(
        url=text,
        secure=secure,
        host=parts.hostname,
        port=parts.port or (443 if secure else 80),
        prefix=parts.path,
        headers=all_headers,
    )
