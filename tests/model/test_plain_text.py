"""What comes from outside stays in its line of the log."""

from __future__ import annotations

import io
import json
import logging

import pytest

from robotq.cli.shared.logs import JsonLines, TextLines
from robotq.model.carried.plain_text import plain
from robotq.system.rarely import Rarely

FORGED = "bad\n2026-01-01 00:00:00 INFO robotq: all is well"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bottle 7, 瓶子", "bottle 7, 瓶子"),
        ("a\nb\rc", "a\\x0ab\\x0dc"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b2J", "\\x9b2J"),
        ("a\u2028b\x85c\x0bd", "a\\u2028b\\x85c\\x0bd"),
        ("nc.\u202egnp", "nc.\\u202egnp"),
        ("half \ud800", "half \\ud800"),
        ("\x00", "\\x00"),
    ],
)
def test_plain__writes_out_what_is_no_visible_text(text: str, shown: str) -> None:
    assert plain(text) == shown
    plain(text).encode()


@pytest.mark.parametrize("form", [TextLines("%(levelname)s %(message)s"), JsonLines()])
@pytest.mark.parametrize(
    "bad", [FORGED, "\x1b]0;x\x07", "a\u2028b", "x\udcff", {"n": "a\udcff\nb"}]
)
def test_formats__one_record_is_one_line(form: logging.Formatter, bad: object) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(form)
    record = logging.LogRecord("robotq", logging.INFO, "", 0, "%s has connected", (bad,), None)
    record.fields = {"actor": bad}
    handler.handle(record)
    stream.seek(0)
    (line,) = stream.read().rstrip("\n").split("\n")
    assert all(character.isprintable() for character in line)
    if isinstance(form, JsonLines):
        assert json.loads(line)["level"] == "info"


def test_formats__what_an_exception_says_begins_no_record() -> None:
    form = TextLines("%(levelname)s %(message)s")
    try:
        raise ValueError(FORGED)
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
        record = logging.LogRecord("robotq", logging.ERROR, "", 0, "failed", (), info)
    first, *others = form.format(record).split("\n")
    assert first == "ERROR failed"
    assert others
    assert all(line.startswith("  ") for line in others)


def test_rarely__writes_a_few_and_says_how_many_it_did_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 0.0
    rarely = Rarely(logging.getLogger("x"), clock=lambda: now)
    for number in range(1_000):
        rarely.warning("line %d", number)
    assert len(caplog.messages) == 3
    now = 2.0
    rarely.warning("line %d", 1_000)
    assert caplog.messages[-1] == "line 1000 (997 such lines were left out)"
