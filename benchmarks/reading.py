"""How fast a program of G-code is read, next to a bare loop over its lines in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.figures import Figure, Options
from robotq.drivers.gcode.reader.lines import Rules, prepare
from robotq.drivers.grbl.options import read_options as read_grbl
from robotq.drivers.marlin.options import read_options as read_marlin
from robotq.drivers.text_lines import split_lines

TITLE = "reading programs of G-code, as a multiple of a bare loop over the lines"

_MEGABYTE = 1_000_000
_WANTED_S = 0.5
"""For a megabyte."""


def run(options: Options) -> list[Figure]:
    """Both see the same lines, in turns."""
    figures = []
    for name, (rules, line) in _kinds().items():
        text = _megabyte(line)
        ratios, seconds = [], []
        for _ in range(options.rounds):
            bare = _timed(partial(_bare, text))
            seconds.append(_timed(partial(_read, text, rules)))
            ratios.append(seconds[-1] / bare)
        figures += [
            Figure(
                name=f"reading.{name}",
                value=statistics.median(ratios),
                raw=f"{text.count(chr(10))} lines",
            ),
            Figure(
                name=f"reading.{name}_s",
                value=statistics.median(seconds),
                unit="s",
                target=_WANTED_S,
            ),
        ]
    return figures


def _kinds() -> Mapping[str, tuple[Rules, Callable[[int], str]]]:
    port = {"port": "/dev/robot"}
    grbl = read_grbl("gantry", port).program_rules
    marlin = read_marlin("arm", port).program_rules
    return {
        "grbl_engraving": (grbl, _engraving),
        "grbl_milling": (grbl, _milling),
        "marlin_print": (marlin, _print),
    }


def _engraving(index: int) -> str:
    return f"G1 X{index % 400 / 7:.3f}Y{index % 211 / 3:.3f}S{index % 1000}\n"


def _milling(index: int) -> str:
    """Every fifth line has no code: what was said last is meant."""
    code = "" if index % 5 else "G1 "
    return f"N{index * 5 + 10} {code}X{index % 317 / 3:.4f} Y{index % 219 / 7 - 15:.4f}\n"


def _print(index: int) -> str:
    if index % 20 == 0:
        return f";TYPE:External perimeter\nG1 F{900 + index % 3000}\n"
    return f"G1 X{index % 317 / 3:.3f} Y{index % 219 / 7:.3f} E{index % 97 / 1000:.5f}\n"


def _megabyte(line: Callable[[int], str]) -> str:
    parts = ["G21\nG90\nG1 X0 Y0 F1200\n"]
    size = index = 0
    while size < _MEGABYTE:
        parts.append(line(index))
        size += len(parts[-1])
        index += 1
    return "".join(parts)


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _bare(text: str) -> int:
    return sum(len(line) for line in split_lines(text))


def _read(text: str, rules: Rules) -> int:
    return len(prepare(split_lines(text), rules))
