"""Options that all drivers for G-code share."""

from __future__ import annotations

import re

from robotq.drivers.reading import Section

_CODE = re.compile(r"[GM](0|[1-9]\d{0,3})(\.\d{1,2})?")


def denied(section: Section) -> dict[str, str]:
    """The codes under `deny`, which no program may hold. Raises ConfigError."""
    codes = section.texts("deny", default=())
    for code in codes:
        if not _CODE.fullmatch(code):
            section.refuse("deny", f"found {code!r}, expected codes such as M3 or G28.1")
    return dict.fromkeys(codes, "the configuration of this robot denies it")
