"""A port that opens and a controller that says nothing: nobody has to wait for it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from robotq.drivers import grbl, jsonline, marlin
from robotq.drivers.base import Driver, DriverError, DriverFactory, LinkLost
from robotq.drivers.jsonline.device import PtyPort
from robotq.engine.robot.driver_threads import DriverHost
from robotq.testing.driver_contract import driver_setup

AT_ONCE_S = 2.5
"""Less than any driver waits for a greeting, on a busy machine too."""

Interrupt = Callable[[Driver], None]


@pytest.fixture
def silent() -> Iterator[PtyPort]:
    port = PtyPort()
    yield port
    port.stop()
    port.close()


@pytest.fixture(params=[grbl.create, jsonline.create, marlin.create])
def driver(request: pytest.FixtureRequest, silent: PtyPort, tmp_path: Path) -> Iterator[Driver]:
    factory: DriverFactory = request.param
    setup, _ = driver_setup(tmp_path, {"port": silent.path})
    made = factory(setup)
    yield made
    made.close()


def _stop(driver: Driver) -> None:
    # whether there is anything to be stopped nobody can say
    with suppress(LinkLost):
        driver.stop()


def _emergency_stop(driver: Driver) -> None:
    with suppress(LinkLost, DriverError):
        driver.emergency_stop()


def _openings(path: str) -> int:
    """How often this process has the port open, the device's own end included."""
    port, found = Path(path).stat().st_rdev, 0
    for fd in Path("/dev/fd").iterdir():
        with suppress(OSError):  # the one that lists them is gone by now
            found += os.fstat(int(fd.name)).st_rdev == port
    return found


def _asked(silent: PtyPort) -> None:
    """Wait until the driver has asked the controller something: from then on it waits."""
    deadline = time.monotonic() + 20.0
    # what was written before the port was opened again may still be on its way
    while _openings(silent.path) < 2:
        assert time.monotonic() < deadline, "it does not open the port"
        time.sleep(0.002)
    late = threading.Timer(20.0, silent.stop)
    late.start()
    assert silent.read(), "it asks nothing"
    late.cancel()


def _failed_connect(driver: Driver, silent: PtyPort, interrupt: Interrupt) -> tuple[str, float]:
    """Why `connect` has failed, and how long after `interrupt` began."""
    ended: list[tuple[str, float]] = []

    def connect() -> None:
        try:
            driver.connect()
        except LinkLost as error:
            ended.append((error.reason, time.monotonic()))

    thread = threading.Thread(target=connect)
    thread.start()
    _asked(silent)
    assert not ended, "it waits"
    began = time.monotonic()
    interrupt(driver)
    thread.join(10)
    reason, at = ended[0]
    return reason, at - began


@pytest.mark.parametrize("interrupt", [_stop, _emergency_stop])
def test_stop__ends_a_connect_that_waits(
    silent: PtyPort, driver: Driver, interrupt: Interrupt
) -> None:
    reason, took_s = _failed_connect(driver, silent, interrupt)
    assert "stop came before" in reason
    assert took_s < AT_ONCE_S


def test_emergency_stop__is_on_the_wire_before_the_connect_ends(
    silent: PtyPort, driver: Driver
) -> None:
    _failed_connect(driver, silent, _emergency_stop)
    # the system brings what was written in pieces, a moment later
    heard = b""
    later = threading.Timer(5.0, silent.stop)
    later.start()
    while not (b"\x18" in heard or b"\nM410\n" in heard):
        piece = silent.read()
        assert piece, heard
        heard += piece
    later.cancel()


def test_connect__can_be_tried_again_after_a_stop(silent: PtyPort, driver: Driver) -> None:
    for _ in range(2):
        reason, took_s = _failed_connect(driver, silent, _stop)
        assert took_s < AT_ONCE_S, reason


async def test_shutdown__does_not_wait_for_a_silent_controller(
    silent: PtyPort, driver: Driver
) -> None:
    host = DriverHost("robot_a", driver)
    connecting = host.connect()
    await asyncio.to_thread(_asked, silent)
    assert not connecting.done()
    async with asyncio.timeout(AT_ONCE_S):
        assert await host.close(10.0)
    with pytest.raises(LinkLost):
        await connecting
