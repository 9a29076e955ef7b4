from __future__ import annotations

import asyncio
import time

import pytest

from robotq.system.clocks import SystemClock
from robotq.system.watchdog import STALL_S, Watchdog


@pytest.mark.real_time("a loop that stands still for real")
def test_watchdog__a_loop_that_stood_still_is_counted_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watchdog = Watchdog(SystemClock())

    async def stall() -> None:
        watchdog.start()
        time.sleep(STALL_S + 0.15)  # noqa: ASYNC251 - this is the stall
        await asyncio.sleep(0.01)
        watchdog.stop()

    # on a loop that goes by the wall, as the daemon's does
    asyncio.run(stall())
    seen = watchdog.statistics()
    assert seen.stalls == 1
    assert seen.longest_stall_s >= STALL_S
    assert seen.last_stall_at_ms is not None
    assert "stood still" in caplog.text


@pytest.mark.real_time("a wait longer than a stall")
async def test_watchdog__a_loop_that_waits_is_not_stalled() -> None:
    watchdog = Watchdog(SystemClock())
    watchdog.start()
    await asyncio.sleep(0.12)
    watchdog.stop()
    assert watchdog.statistics().stalls == 0
