"""Whatever is promised of a database that daemons share holds through PgBouncer too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .pooler import pooler

_ROOT = Path(__file__).parents[2]

_STORIES = (
    "tests/store/test_postgres.py",
    "tests/store/test_shared.py",
    "tests/workers/test_shared.py",
)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_stories_of_the_store__pass_through_a_pooler_in_transaction_mode(
    postgres_server: str, tmp_path: Path
) -> None:
    """The same stories once more, in a process for which the pooler is the server."""
    inner = ["-q", "-n", "0", "--no-showlocals", f"--basetemp={tmp_path / 'inner'}", *_STORIES]
    with pooler(postgres_server, tmp_path / "pooler") as dsn:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", *inner],
            cwd=_ROOT,
            env={**os.environ, "ROBOTQ_TEST_DSN": dsn},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=250,
            check=False,
        )
    assert ended.returncode == 0, ended.stdout[-20_000:]
    assert " passed" in ended.stdout
    assert "skipped" not in ended.stdout
