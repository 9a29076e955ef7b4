"""What drivers say of their devices, in Chinese: `device_zh.json` has their texts with `{}` for
what is different each time. What a device itself says stays as it is. Read for the first who asks.
"""

from __future__ import annotations

import json
import re
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
    exact, patterns = _table()
    if told in exact:
        return exact[told]
    if len(told) > _LONGEST or not deep:
        return told
    for pattern, chinese in patterns:
        found = pattern.fullmatch(told)
        if found is not None:
            return chinese.format(*(_in_chinese(part, deep - 1) for part in found.groups("")))
    if _JOINED in told:
        return "；".join(_in_chinese(part, deep - 1) for part in told.split(_JOINED))
    return told


@cache
def _table() -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """Those without `{}`, and patterns of the others, the most particular first."""
    file = Path(__file__).with_name("device_zh.json")
    known: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    patterns = [
        (re.compile("(.*?)".join(map(re.escape, text.split("{}"))), re.DOTALL), chinese)
        for text, chinese in sorted(known.items(), key=lambda row: -len(row[0].replace("{}", "")))
        if "{}" in text
    ]
    return {text: chinese for text, chinese in known.items() if "{}" not in text}, patterns
