"""The sabotages stay in step with the program."""

from __future__ import annotations

import pytest

from .__main__ import ROOT
from .list import SABOTAGES, Sabotage


@pytest.mark.parametrize("one", SABOTAGES, ids=lambda one: one.name.replace(" ", "_"))
def test_sabotage__its_line_is_there_once_and_its_tests_too(one: Sabotage) -> None:
    program = (ROOT / "robotq" / one.file).read_text(encoding="utf-8")
    assert program.count(one.found) == 1
    assert all((ROOT / tests).exists() for tests in one.tests.split())
