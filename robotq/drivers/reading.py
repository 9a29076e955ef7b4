"""Reading settings key by key: whatever is wrong names the place, the key and what was expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from robotq.config.strict_yaml import KeyPath, key_text
from robotq.model.errors import ConfigError

Where = Callable[[KeyPath], str]
"""The name of the file or setting in which the value at a path stands, for messages."""


class Section:
    """A mapping whose keys are asked for one by one; `end` complains about all others.

    Every method raises ConfigError. A key without `default` has to be there.
    """

    def __init__(self, value: object, where: Where, path: KeyPath = ()) -> None:
        self._where = where
        self._path = path
        self._asked: set[str] = set()
        self._value = self._mapping(value, path)

    def number(
        self,
        key: str,
        *,
        least: float = -math.inf,
        above: float = -math.inf,
        default: float | None = None,
    ) -> float:
        value = self._get(key, default)
        return self._number(value, (*self._path, key), least=least, above=above)

    def whole(
        self, key: str, *, least: int = 0, most: int | None = None, default: int | None = None
    ) -> int:
        value = self._get(key, default)
        bound = f"of at least {least}" if most is None else f"from {least} to {most}"
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self._fail(key, f"a whole number {bound}", value)
        if most is not None and value > most:
            self._fail(key, f"a whole number {bound}", value)
        return value

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        value = self._get(key, default)
        if not isinstance(value, bool):
            self._fail(key, "true or false", value)
        return value

    def text(self, key: str, *, of: Sequence[str] | None = None, default: str | None = None) -> str:
        value = self._get(key, default)
        if not isinstance(value, str) or not value or (of is not None and value not in of):
            self._fail(key, "a text" if of is None else f"one of {', '.join(of)}", value)
        return value

    def optional_text(self, key: str, *, empty: bool = False) -> str | None:
        """A text, also an empty one with `empty`; None where it is null or absent."""
        self._asked.add(key)
        value = self._value.get(key)
        if empty and value == "":
            return ""
        return None if value is None else self.text(key)

    def texts(
        self,
        key: str,
        *,
        of: Sequence[str] | None = None,
        default: Sequence[str] | None = None,
    ) -> tuple[str, ...]:
        value = self._get(key, default)
        if not isinstance(value, list | tuple):
            self._fail(key, "a list of texts", value)
        for item in value:
            if not isinstance(item, str) or (of is not None and item not in of):
                self._fail(key, "texts" if of is None else f"only {', '.join(of)}", item)
        return tuple(value)

    def lines(self, key: str) -> tuple[str, ...]:
        """A text, a list of texts, or null, which is none."""
        self._asked.add(key)
        value = self._value.get(key)
        if value is None:
            return ()
        return (self.text(key),) if isinstance(value, str) else self.texts(key)

    def is_text(self, key: str) -> bool:
        """Whether a text stands there, of which no message is to say what it is."""
        self._asked.add(key)
        value = self._value.get(key)
        return isinstance(value, str) and value != ""

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of numbers; none where it is absent."""
        value = self._get(key, ())
        if not isinstance(value, list | tuple):
            self._fail(key, "a list of numbers", value)
        return tuple(self._number(item, (*self._path, key)) for item in value)

    def span(self, key: str) -> tuple[float, float]:
        """Two numbers above 0, the second not below the first: `[10, 15]`."""
        value = self._get(key, None)
        path = (*self._path, key)
        if not isinstance(value, list) or len(value) != 2:
            self._fail(key, "two numbers, like [10, 15]", value)
        low = self._number(value[0], path, above=0)
        return low, self._number(value[1], path, least=low)

    def section(self, key: str) -> Section:
        return Section(self._get(key, None), self._where, (*self._path, key))

    def rows(self, key: str, *, default: Sequence[object] | None = None) -> list[Section]:
        """A list of mappings."""
        value = self._get(key, default)
        if not isinstance(value, list | tuple):
            self._fail(key, "a list", value)
        return [
            Section(item, self._where, (*self._path, key, index))
            for index, item in enumerate(value)
        ]

    def names(self) -> tuple[str, ...]:
        """All keys, of a mapping whose keys the user chooses."""
        return tuple(self._value)

    def end(self) -> None:
        """Say that no other key is known."""
        for key in self._value:
            if key not in self._asked:
                known = ", ".join(sorted(self._asked))
                self._complain((*self._path, key), f"unknown key, expected one of {known}")

    def refuse(self, key: str, reason: str) -> NoReturn:
        """Complain about the value of `key` in words of one's own."""
        self._complain((*self._path, key), reason)

    def _get(self, key: str, default: object) -> Any:
        self._asked.add(key)
        if key in self._value:
            return self._value[key]
        if default is None:
            self._complain((*self._path, key), "is missing")
        return default

    def _mapping(self, value: object, path: KeyPath) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            self._complain(path, f"found {_shown(value)}, expected a mapping of names to values")
        return value

    def _number(
        self, value: object, path: KeyPath, *, least: float = -math.inf, above: float = -math.inf
    ) -> float:
        bound = f" of at least {least:g}" if least > -math.inf else ""
        bound += f" above {above:g}" if above > -math.inf else ""
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._complain(path, f"found {_shown(value)}, expected a number{bound}")
        if not math.isfinite(value) or value < least or value <= above:
            self._complain(path, f"found {_shown(value)}, expected a number{bound}")
        return float(value)

    def _fail(self, key: str, expected: str, found: object) -> NoReturn:
        self._complain((*self._path, key), f"found {_shown(found)}, expected {expected}")

    def _complain(self, path: KeyPath, reason: str) -> NoReturn:
        where = self._where(path)
        raise ConfigError(f"{where}: {key_text(path)}: {reason}" if path else f"{where}: {reason}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
