"""What clients send besides commands: JSON, languages, times."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotq.api.http.language import preferred
from robotq.api.robot.answers.times import local_time, read_time
from robotq.model.errors import RobotqError
from robotq.model.json.text import MAX_DEPTH, parse_json
from robotq.model.texts import Language
from tests.slices import examples

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def _nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@settings(max_examples=examples(40))
@given(JSON)
def test_json__what_an_encoder_writes_is_read_back(value: Any) -> None:
    assert parse_json(orjson.dumps(value)) == value


@given(st.binary(max_size=60))
def test_json__any_bytes_are_read_or_refused_and_can_be_written_again(raw: bytes) -> None:
    try:
        value = parse_json(raw)
    except RobotqError as error:
        assert error.code.name == "bad_json"
    else:
        orjson.dumps(value)


@pytest.mark.parametrize("raw", [b"", b"  \r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf {}"])
def test_json__nothing_is_an_empty_object(raw: bytes) -> None:
    assert parse_json(raw) == {}


def test_json__nesting_has_a_limit_that_leaves_room_for_what_is_put_around_it() -> None:
    deepest = parse_json(_nested(MAX_DEPTH))
    orjson.dumps({"task": {"extra": {"of": [deepest]}}})
    for depth in (MAX_DEPTH + 1, 1_000, 5_000):
        with pytest.raises(RobotqError):
            parse_json(_nested(depth))


def test_json__many_brackets_side_by_side_are_not_deep() -> None:
    assert len(parse_json(b"[" + b"[]," * 5_000 + b"{}]")) == 5_001


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("en", Language.EN),
        ("en-US,en;q=0.9", Language.EN),
        ("zh-CN,zh;q=0.9,en;q=0.8", Language.ZH),
        ("zh;q=0.5, en;q=0.8", Language.EN),
        ("EN-gb", Language.EN),
        ("de, fr;q=0.9", None),
        ("*", None),
        ("", None),
        ("en;q=0, zh;q=0.1", Language.ZH),
        ("en;q=nan", None),
        ("en;q=high", None),
        ("english", None),
        (",;=,", None),
    ],
)
def test_language__the_one_that_the_client_prefers(header: str, language: Language | None) -> None:
    assert preferred(header) is language


@given(st.text())
def test_language__any_header_is_read(header: str) -> None:
    preferred(header)


def test_time__what_is_written_can_be_read() -> None:
    at_ms = 1_700_000_000_000
    assert read_time(local_time(at_ms), "from") == at_ms
    assert read_time(str(at_ms), "from") == at_ms
    assert read_time("2023-11-14T22:13:20Z", "from") == at_ms
    assert read_time("2023-11-15T06:13:20+08:00", "from") == at_ms
    first = datetime(2023, 11, 14)  # noqa: DTZ001 - without a zone it is that of the daemon
    assert read_time("2023-11-14", "from") == int(first.timestamp() * 1000)


@given(st.text(max_size=30))
def test_time__any_text_is_read_or_refused_by_name(text: str) -> None:
    try:
        at_ms = read_time(text, "from")
    except RobotqError as error:
        assert error.args_["field"] == "from"
    else:
        assert abs(at_ms) < 2**63
