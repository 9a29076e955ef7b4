from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.jsonline.machine import Machine

MakeMachine = Callable[..., Awaitable[Machine]]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[MakeMachine]:
    """Make a device: `await machine(scale=0.01, lab=…, crc=…)`."""
    made: list[Machine] = []

    async def make(**how: Any) -> Machine:
        one = await asyncio.to_thread(lambda: Machine(tmp_path, **how))
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def clean_scan(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The motions of a scan that nothing disturbs."""
    one = Machine(tmp_path_factory.mktemp("clean"))
    try:
        one.carry_out("SCAN_QRCODE")
        return one.motions()
    finally:
        one.close()
