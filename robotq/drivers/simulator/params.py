"""The parameters of a command, as a simulated controller reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robotq.drivers.base import DriverError
from robotq.model.json import JsonValue


class Params:
    """Every method raises DriverError that names the parameter which is missing or wrong.

    A list of parameters is what the one list among them would be.
    """

    def __init__(self, value: JsonValue) -> None:
        self.whole = value
        self._list = value if isinstance(value, list) else None
        self._values: Mapping[str, Any] = value if isinstance(value, Mapping) else {}

    def text(self, key: str) -> str:
        value = self._values.get(key)
        if not isinstance(value, str) or not value:
            raise DriverError(f"the parameter {key} is no text: {value!r}")
        return value

    def optional_text(self, key: str) -> str | None:
        return self.text(key) if self._values.get(key) is not None else None

    def number(self, key: str, default: float) -> float:
        value = self._values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DriverError(f"the parameter {key} is no number: {value!r}")
        return value

    def limit(self, key: str) -> int | None:
        """A whole number, or None where the parameter is absent or a word like `continue`."""
        value = self._values.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def rows(self, key: str) -> list[Params]:
        """A list of objects, at least one."""
        value = self._values.get(key) if self._list is None else self._list
        if not isinstance(value, list) or not value:
            raise DriverError(f"the parameter {key} is no list of objects: {value!r}")
        return [Params(row) for row in value]
