"""Benches that are closed behind each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.line.bench import Bench
from tests.drivers.line.wire import Answer

Make = Callable[..., Bench]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Make]:
    """Makes a bench: what answers, and the options of the robot."""
    made: list[Bench] = []

    def make(answer: Answer, options: dict[str, Any], **wire: Any) -> Bench:
        made.append(Bench(tmp_path, answer, options, **wire))
        return made[-1]

    yield make
    for each in made:
        each.close()
