"""The checklist pages name tests that exist, and every line of a checklist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "explanation" / "documents").glob("*.md"))
LENGTHS = {"task-queue.md": 28, "dispatcher.md": 28}
"""Lines of each checklist."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page__has_every_line_and_names_tests_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (S\d)-(\d+) \|(.*)\|(.*)\|(.*)\|$", text, re.MULTILINE)
    numbers = [int(number) for _, number, *_ in rows]
    assert numbers == list(range(1, LENGTHS.get(page.name, len(rows)) + 1))
    written = {
        test
        for path in (ROOT / "tests").rglob("test_*.py")
        for test in re.findall(r"def (test_s\d_\w+)\(", path.read_text(encoding="utf-8"))
    }
    for name, number, _, tests, state in rows:
        found = re.findall(r"test_s\d_\w+", tests)
        assert found or not state.strip().startswith("done"), f"{name}-{number}"
        for test in found:
            assert test in written, test
            assert test.startswith(f"test_{name.lower()}_{int(number):02}__"), test
