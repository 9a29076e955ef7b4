"""Both controllers, each at an emulator of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import grbl, marlin
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from tests.drivers.gcode.bench import Bench, bench

Machine = GrblEmulator | MarlinEmulator
Make = Callable[..., tuple[Machine, Bench]]
BOTH = pytest.mark.parametrize("firmware", ["grbl", "marlin"])


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def make_one(
            firmware: str, options: dict[str, Any] | None = None, **device: Any
        ) -> tuple[Machine, Bench]:
            kind: Any = GrblEmulator if firmware == "grbl" else MarlinEmulator
            create = grbl.create if firmware == "grbl" else marlin.create
            made: Machine = stack.enter_context(kind(tmp_path / "tty", **device))
            given = {"port": f"{tmp_path}/tty", **(options or {})}
            return made, stack.enter_context(bench(create, tmp_path, **given))

        yield make_one
