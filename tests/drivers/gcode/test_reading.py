"""Reading a program: the short way for common lines finds what the long way finds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotq.drivers.base import DriverError
from robotq.drivers.gcode.reader.judge import Judge
from robotq.drivers.gcode.reader.lines import Line, Rules, prepare
from robotq.drivers.grbl.options import read_options as read_grbl
from robotq.drivers.marlin.options import read_options as read_marlin
from robotq.drivers.text_lines import split_lines

PORT = {"port": "/dev/robot"}
BOTH = [read("gantry", PORT).program_rules for read in (read_grbl, read_marlin)]
RULES = pytest.mark.parametrize("rules", BOTH, ids=["grbl", "marlin"])

NUMBERS = st.sampled_from(
    ["1", "-2.5", "+3", "0.10", ".5", "7.", "-0", "00012.5", "123456.789", "12.3456789", "99999999",
     "0.000000004", "123.456789",
     " 7", "- 2", "0", "1234567890.5", "-.00000000051", "", "-", "1.2.3"]
)  # fmt: skip
LETTERS = st.sampled_from("XYZIJKRFSPTEABxyzfe")
CODES = st.sampled_from(
    ["G0", "G1", "g01", "G2", "G4", "G21 G90", "G90", "G28", "G92", "M3", "M5", "M30", "G38.2",
     "M117", "T0", "N10 ", "(c) G1", "G1 (c)", "\tG1\t", "G0 ((c)) ", "G1 (", "(;) G1", "N20 G1",
     "/", "%", "G80"]
)  # fmt: skip
BLANKS = st.sampled_from(["", " ", "\t", "  "])
WORDS = st.lists(st.tuples(BLANKS, LETTERS, NUMBERS).map("".join), max_size=5).map("".join)
COMMENTS = st.sampled_from(["", "", ";a (note)", " (a note) ", "(a)(b)", "(", ";\u2028é"])
LINES = st.tuples(CODES | st.just(""), WORDS, BLANKS, CODES | st.just(""), COMMENTS).map("".join)


def word_by_word(lines: list[str], rules: Rules) -> list[Line]:
    judge, read = Judge(rules), list[Line]()
    for number, line in enumerate(lines, 1):
        read += judge.lines(line, number)
        if judge.ended:
            break
    return read


@RULES
@given(lines=st.lists(LINES, max_size=12))
def test_common_lines__are_read_as_word_by_word(lines: list[str], rules: Rules) -> None:
    # twice, so that every kind of line is known the second time
    lines = [*lines, *lines]
    try:
        expected = word_by_word(lines, rules)
    except DriverError as error:
        with pytest.raises(DriverError, match=re.escape(str(error))):
            prepare(lines, rules)
        return
    assert list(prepare(lines, rules)) == expected


@given(st.text(st.sampled_from("ab\r\n\u2028\ufeff"), max_size=30), st.integers(0, 3))
def test_lines__end_at_lf_cr_lf_or_cr_wherever_a_block_ends(text: str, more: int) -> None:
    text = "x" * (65_534 + more) + text
    lines = re.split("\r\n|\r|\n", text)
    assert list(split_lines(text)) == (lines[:-1] if not lines[-1] else lines)


@RULES
@pytest.mark.parametrize(
    ("number", "sent"),
    [
        ("00000000012.5", "12.5"),
        ("1.23456789012345", {"grbl": "1.2345679", "marlin": "1.23456789"}),
        ("-0.00000000000001", "-0"),
        ("99.9999999999", "100"),
        ("12345678.000000001", {"grbl": "12345678", "marlin": "12345678"}),
    ],
)
def test_numbers__of_more_digits_than_are_read_are_rounded(
    rules: Rules, number: str, sent: str | dict[str, str]
) -> None:
    (line,) = prepare([f"G1 X{number} Y1 F100"], rules)
    which = "grbl" if rules is BOTH[0] else "marlin"
    assert line.text == f"G1 X{sent if isinstance(sent, str) else sent[which]} Y1 F100"


@RULES
def test_numbers__that_no_controller_reads_are_refused(rules: Rules) -> None:
    with pytest.raises(DriverError, match=r"line 1: .*more than . digits before the point"):
        prepare(["G1 X1234567890.5"], rules)


@RULES
def test_blanks__do_not_make_a_line_too_long(rules: Rules) -> None:
    (line,) = prepare([f"G1{' ' * 60}X1{' ' * 60}Y2"], rules)
    assert line.text == "G1X1Y2"
    with pytest.raises(DriverError, match="longer than"):
        prepare(["G1" + "".join(f" {letter}1.2345678" for letter in "XYZIJKRFSP")], rules)
