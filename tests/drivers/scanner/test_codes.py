"""What is a code in all that a scanner sends in one go, and what may be another one."""

from __future__ import annotations

from typing import Any

import pytest

from robotq.drivers.reading import Section
from robotq.drivers.scanner import ScannerOptions, read_scanner_options
from robotq.drivers.scanner.codes import NotACode, code_in
from robotq.model.errors import ConfigError
from robotq.testing.emulators import Habits


def options(**given: Any) -> ScannerOptions:
    settings = {"port": "/dev/scanner", **given}
    own = {key: value for key, value in settings.items() if value is not None}
    section = Section({"scanner": own}, lambda path: f"robots.arm.{path}")
    read = read_scanner_options(section)
    assert read is not None
    return read


def code(burst: bytes, **given: Any) -> str | None:
    return code_in(burst, options(**given).code)


@pytest.mark.parametrize(
    ("end", "given"),
    [
        (b"\r", {}),
        (b"\n", {}),
        (b"\r\n", {}),
        (b"\r\n", {"end": "\r"}),
        (b"\r\n", {"end": "\n"}),
        (b"\r\n", {"end": "\r\n"}),
        (b"\x03", {"end": "\x03"}),
        (b"", {"end": ""}),
        (b";", {"end": ";"}),
    ],
)
def test_end__of_every_kind(end: bytes, given: dict[str, Any]) -> None:
    assert code(Habits(end=end).wire("bottle_7"), **given) == "bottle_7"


def test_crlf_with_end_cr_and_strip__the_next_code_begins_where_it_begins() -> None:
    assert code(b"\n]Q1GOOD\r", end="\r", strip=3) == "GOOD"
    assert code(b"]Q1GOOD\r\n", end="\r", strip=3) == "GOOD"


def test_stx_etx_and_a_check_byte() -> None:
    wire = Habits(before=b"\x02", end=b"\x03", check=True)
    given = {"end": "", "prefix": "\x02", "suffix": "\x03."}
    for each in ("GOOD", "A", "x" * 4_296):
        assert code(wire.wire(each), **given) == each
    with pytest.raises(NotACode, match="ends a code"):
        code(wire.wire("GOOD"), end="\x03", prefix="\x02")
    with pytest.raises(NotACode, match="does not begin"):
        code(b"OOD\x03k", **given)
    with pytest.raises(NotACode, match="does not end"):
        code(b"\x02GOO", **given)


@pytest.mark.parametrize(
    "exact",
    [
        "0109501101530003\x1d17150119\x1d10ABC",
        "A\tB",
        "A\t",
        "A B",
        " A ",
        "A\x0bB",
        "A\u2028B",
        "A\u00a0B",
        "LINE1\nLINE2",
        "\u200bA",
    ],
)
def test_what_is_in_a_code__stays_in_it(exact: str) -> None:
    assert code(exact.encode() + b"\r\n") == exact


@pytest.mark.parametrize(
    ("encoding", "text"), [("latin-1", "Flasche-ü"), ("shift_jis", "試薬ソ表"), ("gbk", "瓶子")]
)
def test_encoding__is_what_the_scanner_has_and_nothing_is_replaced(
    encoding: str, text: str
) -> None:
    wire = Habits(encoding=encoding).wire(text)
    assert code(wire, encoding=encoding) == text
    with pytest.raises(NotACode, match="no text in utf-8"):
        code(wire)


@pytest.mark.parametrize(
    "said", ["NOREAD", "NoRead", "NO READ", "NO_READ", "ERROR", "error", "\x18"]
)
def test_no_read__is_no_code(said: str) -> None:
    assert code(said.encode() + b"\r") is None
    assert code(b"\x02" + said.encode() + b"\x03", end="\x03", prefix="\x02") is None


def test_no_read__behind_what_is_stripped() -> None:
    assert code(b"]Q1NOREAD\r\n", strip=3) is None
    assert code(b"]Q1GOOD\r\n", strip=3) == "GOOD"


def test_no_read__of_your_own_and_only_as_a_whole() -> None:
    assert code(b"???\r\n", no_read=[r"\?+"]) is None
    assert code(b"ERROR-42\r\n") == "ERROR-42"


def test_the_same_code_twice_in_one_go__is_one() -> None:
    assert code(b"GOOD\r\nGOOD\r\n") == "GOOD"
    assert code(b"\x02A\x03k\x02A\x03k", end="", prefix="\x02", suffix="\x03.") == "A"


@pytest.mark.parametrize(
    ("burst", "given"),
    [
        (b"GOOD\r\nBEST\r\n", {}),
        (b"ONE\rTWO\rTHREE\r", {}),
        (b"GOODGOOD", {"end": ""}),
        (b"\x02A\x03k\x02B\x03l", {"end": "", "prefix": "\x02", "suffix": "\x03."}),
        (b"GOOD", {}),
        (b"GOOD\r", {"end": "\n"}),
        (b"GOOD\r\nBE", {}),
        (b"GO\0OD\r", {}),
        (b"]Q1\r", {"strip": 3}),
        (b"x" * 7_090 + b"\r", {}),
        # what stands around a code, and nobody has told us of it
        (b"\x02GOOD\x03\r\n", {}),
        (b"GOOD\x03k\r", {}),
        (b"\x13GOOD\r", {}),
        # more ends than one: is the first of them in the code?
        (b"GOOD\r\r\n", {}),
        (b"\r\nGOOD\r\n", {}),
        (b"GOOD\r\r", {"end": "\r"}),
        (b"GOOD;;", {"end": ";"}),
        # two, of which only the beginning or only the end can be told
        (b"#ONE#TWO", {"end": "", "prefix": "#"}),
        (b"ONE;TWO;", {"end": "", "suffix": ";"}),
        (b"#ONE;~#TWO;", {"end": "", "prefix": "#", "suffix": ";"}),
        (b"GOODGOOD", {"end": "", "prefix": "#?"}),
        # two different ones that would be equal
        (b"\x87\x90\r", {"encoding": "cp932"}),
        (b"\\x41\r", {"encoding": "unicode_escape"}),
    ],
)
def test_what_may_be_another_code__is_refused_with_what_was_heard(
    burst: bytes, given: dict[str, Any]
) -> None:
    with pytest.raises(NotACode) as refused:
        code(burst, **given)
    assert 10 < len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"encoding": "klingon"}, "encoding"),
        ({"encoding": "hex"}, "encoding"),
        ({"encoding": "utf-8-sig"}, "encoding"),
        ({"prefix": "("}, "prefix"),
        ({"no_read": ["("]}, "no_read"),
        ({"gap_s": 0}, "gap_s"),
        ({"end": "\u2028"}, "end"),
    ],
)
def test_options__that_make_no_sense(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        options(**given)
