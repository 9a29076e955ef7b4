"""A large result of a driver is encoded once, where it was made: who answers embeds those bytes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from robotq.api.http.errors import json_response
from robotq.model.json.known import KNOWN
from robotq.model.json.safe import plain_in_slices
from robotq.store.kept.rows import json_text

LARGE = {
    "rows": [{"n": n} for n in range(20_000)],
    "by_name": {f"n{n}": n for n in range(20_000)},
    "picture": "abcd" * 50_000,
}


@pytest.fixture
def marked() -> dict[str, Any]:
    """A result whose known bytes differ from what an encoder would make of it."""
    made = plain_in_slices(LARGE)
    for name, value in made.items():
        assert isinstance(value, KNOWN)
        value.json = orjson.dumps(f"known {name}")
    return made


def test_answer__has_the_known_bytes(marked: dict[str, Any]) -> None:
    """The answer of the synchronous mode encoded 24 MB on the event loop."""
    body = json_response({"success": True, **marked, "cmd_id": "a"}).body
    assert isinstance(body, bytes)
    assert orjson.loads(body) == {
        "success": True,
        "rows": "known rows",
        "by_name": "known by_name",
        "picture": "known picture",
        "cmd_id": "a",
    }


def test_row__has_the_known_bytes(marked: dict[str, Any]) -> None:
    assert orjson.loads(json_text({"result": marked}))["result"]["picture"] == "known picture"


def test_answer__of_kinds_of_texts_and_numbers_is_as_before() -> None:
    class Word(str):
        __slots__ = ()

    class Number(int):
        __slots__ = ()

    body = json_response({"word": Word("ä"), "number": Number(3), "list": [Word("b")]}).body
    assert body == '{"word":"ä","number":3,"list":["b"]}'.encode()
