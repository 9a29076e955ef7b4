"""Whatever is promised of a database that daemons share holds through PgBouncer too."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from .pooler import pooler

_ROOT = Path(__file__).parents[2]

_STORIES = (
    "tests/store/test_postgres.py",
    "tests/store/test_shared.py",
    "tests/workers/test_shared.py",
)


_OF_ONE_DAEMON = (
    "tests/workers",
    "tests/api/task_queue",
    "tests/api/orchestrator",
    "tests/api/dispatcher",
    "tests/api/checklist",
    "tests/engine/test_checklist.py",
)
"""What is told of a daemon that has its tasks for workers and its checklist for itself."""


@pytest.mark.long
@pytest.mark.timeout(300)
def test_stories_of_the_store__pass_through_a_pooler_in_transaction_mode(
    postgres_server: str, tmp_path: Path
) -> None:
    """The same stories once more, in a process for which the pooler is the server."""
    with pooler(postgres_server, tmp_path / "pooler") as dsn:
        _told_again(tmp_path, _STORIES, ROBOTQ_TEST_DSN=dsn)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_stories_of_one_daemon__are_true_where_its_workers_are_in_postgresql(
    postgres_server: str, tmp_path: Path
) -> None:
    how = ("-p", "tests.postgres.everywhere")
    _told_again(tmp_path, (*how, *_OF_ONE_DAEMON), ROBOTQ_TEST_WORKERS=postgres_server)


def _told_again(tmp_path: Path, which: Sequence[str], **environment: str) -> None:
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n", "0", "--no-showlocals"),
            *(f"--basetemp={tmp_path / 'inner'}", *which),
        ],
        cwd=_ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=550,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-20_000:]
    assert " passed" in ended.stdout
    if "ROBOTQ_TEST_DSN" in environment:
        assert "skipped" not in ended.stdout
