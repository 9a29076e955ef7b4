"""Prometheus' own judge of rules and metrics."""

from __future__ import annotations

import shutil
import subprocess

import pytest

MISSING = (
    "no promtool here: `apt-get install --no-install-recommends prometheus` brings it on Debian, "
    "or put that of https://prometheus.io/download on the PATH"
)


def promtool(*words: str, text: str = "") -> str:
    """What promtool says about `text` or the files named; fails the test where it complains."""
    path = shutil.which("promtool")
    if path is None:
        pytest.skip(MISSING)
    done = subprocess.run(
        [path, *words], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said
