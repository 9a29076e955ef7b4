"""Drivers and emulated machines wait for each other in one process: by a clock that is swift."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.swift import CLOCK


@pytest.fixture(autouse=True)
def swift(request: pytest.FixtureRequest) -> Iterator[None]:
    """Unless the test says that it needs the wall, or has a daemon of its own process. Long tests
    try the same by the wall."""
    by_the_wall = any(map(request.node.get_closest_marker, ("wall", "real_time", "long")))
    if by_the_wall or "robotq_host" in request.fixturenames:
        yield
        return
    with CLOCK.hurry():
        yield
