"""What drivers say of their devices, in Chinese: `of_devices_zh.json` has their texts with `{}` for
what is different each time. What a device itself says stays as it is. Read with this module: a loop
that answers somebody reads no file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

_LONGEST = 400
"""Characters of a text that is looked for."""
_DEEPEST = 4
_JOINED = "; "


def in_chinese(told: str) -> str:
    """The same where it is a text of ours; else as it is."""
    return _in_chinese(told, _DEEPEST)


@lru_cache(maxsize=1024)
def _in_chinese(told: str, deep: int) -> str:
    if told in _EXACT:
        return _EXACT[told]
    if len(told) > _LONGEST or not deep:
        return told
    for text, chinese in _OTHERS:
        found = _fits(text, told)
        if found is not None:
            return chinese.format(*(_in_chinese(part, deep - 1) for part in found.groups("")))
    if _JOINED in told:
        return "；".join(_in_chinese(part, deep - 1) for part in told.split(_JOINED))
    return told


def _split() -> tuple[Mapping[str, str], list[tuple[str, str]]]:
    """Those without `{}`, and the others, the most particular first."""
    file = Path(__file__).with_name("of_devices_zh.json")
    known: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    others = [row for row in known.items() if "{}" in row[0]]
    others.sort(key=lambda row: -len(row[0].replace("{}", "")))
    return {text: chinese for text, chinese in known.items() if "{}" not in text}, others


_EXACT, _OTHERS = _split()


def _fits(text: str, told: str) -> re.Match[str] | None:
    head, _, rest = text.partition("{}")
    # most are none, and a pattern takes a while to make
    if not told.startswith(head) or not told.endswith(rest.rpartition("{}")[2]):
        return None
    return _pattern(text).fullmatch(told)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("(.*?)".join(map(re.escape, text.split("{}"))), re.DOTALL)
