"""How much of a test that repeats itself runs by default: a slice of its random examples and of its
seeds, and all of them with `-m long`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

_PART = 8
_LEAST = 5


class Slices:
    """Set before the first module of tests is read."""

    whole = False


def examples(number: int) -> int:
    """How many of `number` random examples this run tries."""
    return number if Slices.whole else max(min(number, _LEAST), number // _PART)


def some(values: Iterable[Any], default: int) -> list[Any]:
    """Values of a parameter, of which the first `default` run by default."""
    return [
        value if number < default else pytest.param(value, marks=pytest.mark.long)
        for number, value in enumerate(values)
    ]
