"""robotq migrate is killed at any moment, and run again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import server

from .moved import filled, in_folder, in_postgres

NUMBER = 1_201
KILLS = 20

_QUIET_S = 3.0
"""Wall seconds that a move out of PostgreSQL waits at its beginning."""


def migrate(to: str, folder: Path, dsn: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "robotq", "migrate", "--to", to, "--data", str(folder), "--json"],
        env={**os.environ, "ROBOTQ_STORE__WORKERS": dsn},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def to_its_end(to: str, folder: Path, dsn: str) -> str:
    process = migrate(to, folder, dsn)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.wall("processes that are killed")
@pytest.mark.parametrize("to", ["postgresql", "sqlite"])
async def test_killed_at_any_moment__nothing_is_lost_or_there_twice(
    postgres: str, tmp_path: Path, to: str
) -> None:
    made = tmp_path / "made"
    await filled(made, NUMBER)
    whole = await in_folder(made, NUMBER)
    took_s, killed = await _one(to, made, postgres, tmp_path / "first", None, whole)
    assert not killed
    in_the_middle = 0
    for seed in range(KILLS // 2):
        begin = 0.4 + (_QUIET_S if to == "sqlite" else 0)
        at_s = random.Random(seed).uniform(begin, max(took_s, begin + 0.5))
        _, killed = await _one(to, made, postgres, tmp_path / str(seed), at_s, whole)
        in_the_middle += killed
        if not killed:
            # the first one was slower, on a machine that is busy
            took_s = min(took_s, at_s)
    assert in_the_middle > KILLS // 4, took_s


async def _one(  # noqa: PLR0917
    to: str, made: Path, dsn: str, folder: Path, at_s: float | None, whole: Any
) -> tuple[float, bool]:
    """How long it took, and whether it was killed before its end."""
    server.emptied(dsn)
    shutil.copytree(made, folder)
    if to == "sqlite":
        to_its_end("postgresql", folder, dsn)
        shutil.rmtree(folder)
    began = time.monotonic()
    killed = False
    if at_s is not None:
        process = migrate(to, folder, dsn)
        try:
            process.communicate(timeout=at_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed = True
    to_its_end(to, folder, dsn)
    took_s = time.monotonic() - began
    here, there = await in_folder(folder, NUMBER), await in_postgres(dsn, folder, NUMBER)
    full, empty = (there, here) if to == "postgresql" else (here, there)
    assert full == whole
    assert not any((empty.tasks, empty.items, empty.counts, empty.tallies, *empty.answers))
    shutil.rmtree(folder)
    return took_s, killed
