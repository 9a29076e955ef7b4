"""The files of the dashboard, read once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

PAGE = "index.html"

ROOMS = ("base", "forms", "page", "parts", "views")
"""The folders of the dashboard: what every file uses, what commands are given by and read with,
the frame of the page, what several views show, and the views."""

_MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFile:
    """A file as it is sent."""

    content: bytes
    media_type: str
    etag: str
    """Changes with the content; without the quotation marks of the header."""


def read_folder(folder: str) -> Mapping[str, WebFile]:
    """Every file of a page in a folder of its own, by its name.

    Reads the disk: call it off the event loop."""
    found: dict[str, WebFile] = {}
    for entry in (files("robotq.web") / folder).iterdir():
        suffix = "." + entry.name.rpartition(".")[2]
        if suffix in _MEDIA_TYPES:
            content = entry.read_bytes()
            found[entry.name] = WebFile(
                content=content,
                media_type=_MEDIA_TYPES[suffix],
                etag=hashlib.sha256(content).hexdigest()[:20],
            )
    return found


def read_dashboard() -> Mapping[str, WebFile]:
    """The page of the dashboard, and its files by room and name: `base/dom.js`.

    Reads the disk: call it off the event loop."""
    found = dict(read_folder("."))
    for room in ROOMS:
        found |= {f"{room}/{name}": file for name, file in read_folder(room).items()}
    return found
