"""JSON that comes in with long texts in it: these are taken out on the way, whatever is in them."""

from __future__ import annotations

from random import Random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotq.api.http.bodies.large_body import _decoded, _Sieve
from robotq.model.errors import RobotqError
from tests.slices import examples

_LONG = 70_000
TEXTS = st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=40)
"""Anything that JSON can say."""


def sieved(document: bytes, cuts: Random) -> tuple[bytes, list[str]]:
    """What is left of a document, with a null where a long text was, and these texts."""
    sieve, rest, texts, current = _Sieve(), b"", list[str](), b""
    at = 0
    while at < len(document):
        block = document[at : at + cuts.choice((1, 2, 3, 7, 1_000, 65_536))]
        at += len(block)
        for part in sieve.feed(block):
            if part.plain:
                rest += part.content
                continue
            current += _decoded(part.content) if part.content else b""
            if part.last:
                texts.append(current.decode())
                rest, current = rest + b"null", b""
    sieve.end()
    return rest, texts


@pytest.mark.slow
@settings(max_examples=examples(200), deadline=None)
@given(TEXTS, st.integers(0, 2**32), st.booleans())
def test_a_long_text__comes_out_as_it_is_wherever_it_is_cut(
    text: str, seed: int, as_ascii: bool
) -> None:
    import json  # noqa: PLC0415 - orjson writes no \\u

    long = text * (_LONG // len(text) + 1)
    body = {"params": {"program": long, "x": [1, text, "\\", '"']}, "cmd_id": text}
    document = json.dumps(body, ensure_ascii=as_ascii).encode()
    rest, texts = sieved(document, Random(seed))
    assert texts == [long]
    body["params"]["program"] = None  # type: ignore[index]
    assert orjson.loads(rest) == body


@pytest.mark.parametrize("end", [rb"\x", rb"\ud83d", rb"\ud83dxx", rb"\u12", b"\\", b"\n"])
def test_a_text_that_is_none__is_refused(end: bytes) -> None:
    document = b'{"program": "' + b"x" * _LONG + end + b'y tail tail tail tail", "more": 1}'
    with pytest.raises(RobotqError) as error:
        sieved(document, Random(1))
    assert error.value.code.name == "bad_json"
