"""How much of a test that repeats itself runs by default: a slice of its random examples and of its
seeds, and all of them with `-m long`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import pytest

Test = TypeVar("Test", bound=Callable[..., Any])

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


def each(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[[Test], Test]:
    """Like `pytest.mark.parametrize`, as one test: for cases that leave nothing behind, each of
    which would cost a daemon of its own. The one that fails is named."""
    told = tuple(names.replace(" ", "").split(",")) if isinstance(names, str) else names
    all_cases = list(cases)

    def looped(test: Test) -> Test:
        def one(case: Any, given: dict[str, Any]) -> Any:
            values = (case,) if len(told) == 1 else case
            return test(**given, **dict(zip(told, values, strict=True)))

        @functools.wraps(test)
        def of_all(**given: Any) -> None:
            for case in all_cases:
                with _named(case):
                    one(case, given)

        @functools.wraps(test)
        async def of_all_on_a_loop(**given: Any) -> None:
            for case in all_cases:
                with _named(case):
                    await one(case, given)

        found: Any = of_all_on_a_loop if inspect.iscoroutinefunction(test) else of_all
        wanted = inspect.signature(test)
        found.__signature__ = wanted.replace(
            parameters=[each for name, each in wanted.parameters.items() if name not in told]
        )
        return cast(Test, found)

    return looped


@contextmanager
def _named(case: Any) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        error.add_note(f"in the case {case!r}")
        raise
