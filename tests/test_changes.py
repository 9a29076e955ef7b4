"""What a release tells its users, gathered from one file a change."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import robotq

ROOT = Path(__file__).parent.parent
CHANGES = sorted(path for path in (ROOT / "changes").iterdir() if path.name != "README.md")


def test_changes__each_is_told_by_the_next_release() -> None:
    draft = subprocess.run(
        [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "9.9.9"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = " ".join(draft.stdout.split())
    for change in CHANGES:
        assert re.fullmatch(
            r"[a-z0-9]+(-[a-z0-9]+)*\.(added|changed|fixed|removed|security)\.md", change.name
        ), f"{change.name}: see changes/README.md"
        assert " ".join(change.read_text(encoding="utf-8").split()) in told, change.name


def test_changelog__the_latest_version_is_this_one() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    latest = re.search(r"^## \[(.+)\] - \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert latest is not None
    assert latest[1] == robotq.__version__
