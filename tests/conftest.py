"""What holds for every test."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings

# a daemon starts a quarter faster from byte code, and the next run of the tests by half a minute
# of work; so they keep it where the environment would not
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# no deadline per example: on a busy machine it fails tests that are right
settings.register_profile("robotq", deadline=None)
settings.load_profile("robotq")


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """A call of robotq that blocks the event loop fails the test."""
    with blockbuster_ctx("robotq") as active:
        yield active
