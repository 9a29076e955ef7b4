"""Bytes in another encoding are told by its name, in one line."""

from __future__ import annotations

import codecs
import json

import pytest

from robotq.model.carried.encodings import not_utf8
from robotq.model.errors import RobotqError
from robotq.model.json.text import parse_json, parse_unique

COMMAND = '{"cmd_type": "NAVIGATION", "note": "%s"}'


def told(raw: bytes) -> str:
    with pytest.raises(RobotqError) as refused:
        parse_json(raw)
    assert refused.value.code.name == "bad_json"
    reason = str(refused.value.args_["reason"])
    assert "\n" not in reason
    return reason


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ((COMMAND % "x").encode("utf-16"), "UTF-16"),
        ((COMMAND % "x").encode("utf-16-le"), "UTF-16"),
        ((COMMAND % "x").encode("utf-16-be"), "UTF-16"),
        (codecs.BOM_UTF16_BE + (COMMAND % "é").encode("utf-16-be"), "UTF-16"),
        ((COMMAND % "x").encode("utf-32"), "UTF-32"),
        ((COMMAND % "Prüfstück").encode("latin-1"), "Latin-1"),
        ((COMMAND % "déjà vu").encode("cp1252"), "Latin-1"),
        ((COMMAND % "扫描二维码").encode("gbk"), "GBK"),
        ((COMMAND % "瓶子一号，左边").encode("gb18030"), "GBK"),
    ],
)
def test_other_encodings__are_guessed_and_said(raw: bytes, named: str) -> None:
    reason = told(raw)
    assert named in reason
    assert "UTF-8" in reason


def test_other_encodings__the_byte_and_its_line_are_named() -> None:
    raw = '{"a": 1,\n"b": "ü"}'.encode("latin-1")
    assert f"byte {raw.index(0xFC)} (0xfc, line 2)" in told(raw)


def test_text__that_is_utf8_is_no_other() -> None:
    for text in ("", "plain", "Prüfstück", "扫描", "\x00", "\U0001f916"):
        assert not_utf8(text.encode()) is None, text
    assert parse_json(codecs.BOM_UTF8 + b'{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("raw", "hint"),
    [
        (b"'{\"cmd_type\": 1}'", "Windows command line"),
        (b"@command.json", "curl"),
        (b'{"a": 1}\x1a', "end-of-file"),
        (b'{"a": 1}\x00', "NUL"),
        ("{“a”: 1}".encode(), "quotation mark"),
        (b"cmd_type=NAVIGATION&area=HOME", "form"),
        (b"\x1f\x8b\x08\x00rest", "gzip"),
    ],
)
def test_usual_mistakes__are_called_by_their_name(raw: bytes, hint: str) -> None:
    assert hint in told(raw)


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b'{"area": "HOME", "area": "TABLE"}', "area"),
        (b'[{"a": 1}, {"b": {"x": 1, "y": 2, "x": 1}}]', "x"),
        (b'{"a": 1, "\\u0061": 2}', "a"),
        (b'\xef\xbb\xbf{"t": "12:30", "t": 1}', "t"),
    ],
)
def test_duplicate_keys__are_refused_by_their_name(raw: bytes, key: str) -> None:
    with pytest.raises(RobotqError) as refused:
        parse_unique(raw)
    assert refused.value.code.name == "bad_parameter"
    assert refused.value.args_["field"] == key


def test_duplicate_keys__the_same_key_in_other_objects_is_none() -> None:
    value = {"a": {"x": 1}, "x": [{"x": ":"}, {"x": "a:b"}], "t": "12:30:00"}
    assert parse_unique(json.dumps(value).encode()) == value
    assert parse_unique(b" ") == {}
