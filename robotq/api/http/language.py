"""The language in which a client wants to read."""

from __future__ import annotations

from functools import lru_cache

from robotq.model.texts import Language


@lru_cache(maxsize=256)
def preferred(accept_language: str) -> Language | None:
    """The one of our languages that an Accept-Language header prefers, None if neither.

    Parts that cannot be read are passed over.
    """
    best: Language | None = None
    best_quality = 0.0
    for part in accept_language[:1_000].split(","):
        tag, _, rest = part.partition(";")
        language = _LANGUAGES.get(tag.strip().lower().partition("-")[0])
        quality = _quality(rest)
        if language is not None and quality > best_quality:
            best, best_quality = language, quality
    return best


_LANGUAGES = {"zh": Language.ZH, "en": Language.EN}


def _quality(text: str) -> float:
    name, _, value = text.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if 0 < quality <= 1 else 0.0
