"""A disk that takes no writes for a while."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
@pytest.mark.parametrize("room", [0, 60_000, 150_000])
def test_full_disk__refuses_then_goes_on(tmp_path: Path, room: int) -> None:
    """From the first write on, in the first commit, and in a later one."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.full_disk", str(tmp_path), str(room)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
