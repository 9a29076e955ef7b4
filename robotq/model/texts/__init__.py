"""Texts that people read, in Chinese and English, addressed by code.

The arguments `cause` and `reason` may themselves be codes of this table, `cause.…` and
`reason.…`; they are rendered with the other arguments, so that they can be stored and still be
read in any language.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from robotq.model.json import JsonObject
from robotq.model.texts.holds_and_waits import HOLDS_AND_WAITS
from robotq.model.texts.messages import MESSAGES
from robotq.model.texts.of_devices import in_chinese
from robotq.model.texts.reasons import REASONS


class Language(StrEnum):
    ZH = "zh"
    EN = "en"


TEXTS: Mapping[str, tuple[str, str]] = {**HOLDS_AND_WAITS, **REASONS, **MESSAGES}


class _Visible(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


_OF_DEVICES = frozenset(
    {
        "hold.disconnected",
        "jog.robot_error",
        "jog.link_lost",
        "jog.uncertain",
        "raw.refused",
        "raw.link_lost",
        "raw.uncertain",
    }
)
"""Texts with what a driver says; in others a person may have said it."""


def of_device(args: JsonObject) -> JsonObject:
    """With what a driver says of its device in Chinese, as far as it is a text of ours."""
    told = {key: args[key] for key in ("reason", "error", "lost") if type(args.get(key)) is str}
    return {**args, **{key: in_chinese(value) for key, value in told.items()}}


def text(code: str, args: JsonObject, language: Language) -> str:
    """The text of `code`; a code that is not in the table is its own text."""
    row = TEXTS.get(code)
    if row is None:
        return code
    if language is Language.ZH and (code.startswith("cause.") or code in _OF_DEVICES):
        args = of_device(args)
    return fill(row[1] if language is Language.EN else row[0], args, language)


def fill(template: str, args: JsonObject, language: Language) -> str:
    """Put the arguments into a template; one that is missing stays visible as {name}."""
    values = _Visible(args)
    for key in ("cause", "reason"):
        code = args.get(key)
        # other texts of this table are not meant: a person may have given any word as a reason
        if isinstance(code, str) and code.startswith(f"{key}.") and code in TEXTS:
            others = {name: value for name, value in args.items() if name != key}
            values[key] = text(code, others, language)
    return template.format_map(values)
