"""A program that was read: any line of it can be had, and a large one takes little room."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotq.drivers.gcode.reader.line import Line
from robotq.drivers.gcode.reader.lines import prepare
from robotq.drivers.gcode.reader.program import Program
from robotq.drivers.grbl.options import read_options

RULES = read_options("gantry", {"port": "/dev/gantry"}).program_rules
LINES = st.builds(
    Line,
    text=st.sampled_from(["G1 X1", "G0", "G4 P1", "M5"]),
    number=st.integers(1, 4_000_000),
    codes=st.sampled_from([("G1",), (), ("G0", "M3")]),
    motion=st.booleans(),
    dwell_s=st.sampled_from([0.0, 1.5]),
    alone=st.booleans(),
)


@given(lines=st.lists(LINES, max_size=8), start=st.integers(-9, 9), stop=st.integers(-9, 9))
def test_program__is_the_list_of_its_lines(lines: list[Line], start: int, stop: int) -> None:
    program = Program()
    for line in lines:
        program.append(line)
    assert list(program) == lines
    assert len(program) == len(lines)
    assert list(program[start:stop]) == lines[start:stop]
    assert list(program[start:][:2]) == lines[start:][:2]
    assert [program[at] for at in range(-len(lines), len(lines))] == lines + lines


@pytest.mark.slow
def test_program_of_many_lines__takes_little_more_room_than_its_text() -> None:
    lines = [f"G1 X{n % 300}.123 Y{n % 200}.456 S{n % 1000}" for n in range(50_000)]
    text = sum(map(len, lines))
    tracemalloc.start()
    program = prepare(["G0 X0 F600", *lines], RULES)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(program) == 50_001
    assert used < 2 * text + 30 * len(program)
