"""A key that stands twice in an object is found, whatever else stands there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotq.model.errors import RobotqError
from robotq.model.json.text import parse_unique

_TEXTS = st.text(st.sampled_from([*':"\\{}[],ab\u4efb\n\x00 ', "\U0001f916"]), max_size=6)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=12,
)


@given(
    value=st.dictionaries(_TEXTS, _VALUES, max_size=4),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 2]),
)
def test_parse_unique__gives_what_was_written(
    value: Any, ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert parse_unique(text.encode()) == value


@given(key=_TEXTS, values=st.tuples(_VALUES, _VALUES), around=_VALUES)
def test_parse_unique__refuses_a_key_that_stands_twice(
    key: str, values: tuple[Any, Any], around: Any
) -> None:
    pairs = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for value in values)
    text = f'{{"around": {json.dumps(around)}, "in": [{{{pairs}}}]}}'
    with pytest.raises(RobotqError, match="twice"):
        parse_unique(text.encode())


def test_parse_unique__looks_at_a_long_program_as_at_a_short_command() -> None:
    program = json.dumps("G1 X1 ; first: move\n" * 20_000)
    assert parse_unique(f'{{"params": {{"program": {program}}}}}'.encode())["params"]
    twice = f'{{"params": {{"program": {program}, "line": 1, "line": [{{"a:": 2}}]}}}}'
    with pytest.raises(RobotqError, match="twice"):
        parse_unique(twice.encode())


@pytest.mark.parametrize(
    "text",
    [
        r'{"a": 1, "a": "\u003a"}',
        r'{"a": "\u003A\u003A", "b": {"c": 1, "c": 2}}',
        r'{"a": 1, "\u0061": 2}',
        r'{"\u003a": 1, ":": 2}',
    ],
)
def test_parse_unique__is_not_deceived_by_what_is_written_in_numbers(text: str) -> None:
    with pytest.raises(RobotqError, match="twice"):
        parse_unique(text.encode())
