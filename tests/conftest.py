"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings

# no deadline per example: on a busy machine it fails tests that are right
settings.register_profile("robotq", deadline=None)
settings.load_profile("robotq")


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """A call of robotq that blocks the event loop fails the test."""
    with blockbuster_ctx("robotq") as active:
        yield active
