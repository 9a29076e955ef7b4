"""Drivers and emulated machines wait for each other in one process: by a clock that is swift."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def swift_unless_by_the_wall(request: pytest.FixtureRequest) -> None:
    """By the wall goes a test that says so, or that has a daemon of its own process. Long tests
    try the same by the wall."""
    by_the_wall = any(map(request.node.get_closest_marker, ("wall", "real_time", "long")))
    if not by_the_wall and "robotq_host" not in request.fixturenames:
        request.getfixturevalue("swift")
