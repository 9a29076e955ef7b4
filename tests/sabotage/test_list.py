"""The sabotages stay in step with the program."""

from __future__ import annotations

from .__main__ import ROOT
from .list import SABOTAGES


def test_sabotage__its_line_is_there_once_and_its_tests_too() -> None:
    for one in SABOTAGES:
        program = (ROOT / "robotq" / one.file).read_text(encoding="utf-8")
        assert program.count(one.found) == 1, one.name
        assert all((ROOT / tests).exists() for tests in one.tests.split()), one.name
