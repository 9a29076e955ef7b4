"""What the tests' own event loop promises."""

from __future__ import annotations

import asyncio
import time

import pytest

from . import patience


async def test_loop__is_the_one_of_every_test() -> None:
    assert isinstance(asyncio.get_running_loop(), patience.PatientLoop)


@pytest.mark.real_time("as if the machine had been busy")
async def test_time__that_the_process_stood_does_not_count() -> None:
    loop, wall = asyncio.get_running_loop(), time.monotonic()
    began = loop.time()
    limit = asyncio.timeout(0.2)
    async with limit:
        time.sleep(0.5)  # noqa: ASYNC251 - as if the machine had been busy
        await asyncio.sleep(0)
        # whoever waited for us has his turn before we are given up
        await asyncio.sleep(0.001)
    assert time.monotonic() - wall >= 0.5
    assert loop.time() - began < 0.2
    assert not limit.expired()


async def test_time__passes_while_the_process_waits() -> None:
    loop = asyncio.get_running_loop()
    began, wall = loop.time(), time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await asyncio.Event().wait()
    assert loop.time() - began >= 0.05
    # it is never ahead of the wall
    assert time.monotonic() - wall >= loop.time() - began


def test_run__is_patient_too() -> None:
    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert isinstance(patience.run(loop()), patience.PatientLoop)
