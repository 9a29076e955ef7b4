"""Injected faults, as the engine sees them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers.base import DriverError, LinkLost, LinkState, Stopped
from robotq.model.errors import ConfigError
from robotq.model.task import Command
from tests.drivers.simulator.bench import Bench


def faulty(folder: Path, *faults: dict[str, Any]) -> Bench:
    return Bench(folder, options={"faults": list(faults)})


def test_fail__is_reported_by_the_device_before_anything_moves(tmp_path: Path) -> None:
    bench = faulty(
        tmp_path,
        {"command": "SCAN_QRCODE", "step": "SCANNING", "nth": 2, "kind": "fail", "reason": "dark"},
    )
    context = bench.context()
    with pytest.raises(DriverError, match="dark") as error:
        bench.run("SCAN_QRCODE", context=context)
    assert error.value.code == "device_error"
    assert context.names().count("SCANNING") == 2
    assert context.steps[-1].state == "failed"
    assert bench.motions()[-1]["step"] == "GRABBING_BOTTLE"
    bench.run("SCAN_QRCODE")


def test_fault_without_nth__befalls_every_such_step(tmp_path: Path) -> None:
    bench = faulty(tmp_path, {"step": "NAVIGATING", "kind": "fail"})
    for _ in range(3):
        with pytest.raises(DriverError):
            bench.run("NAVIGATION", {"area": "CHARGER"})
    assert bench.run("ROBOT_ACTION", {"action_type": "WAVE"})[0] == {"action_type": "WAVE"}


def test_raise__breaks_the_driver(tmp_path: Path) -> None:
    bench = faulty(tmp_path, {"kind": "raise", "nth": 1})
    with pytest.raises(RuntimeError, match="injected fault: raise"):
        bench.run("NAVIGATION", {"area": "CHARGER"})
    bench.run("NAVIGATION", {"area": "CHARGER"})


def test_link_drop__loses_the_link_until_it_is_made_again(tmp_path: Path) -> None:
    bench = faulty(tmp_path, {"kind": "link_drop", "nth": 1, "refused_connects": 2})
    driver = bench.robot()
    with pytest.raises(LinkLost):
        bench.run("NAVIGATION", {"area": "CHARGER"})
    assert bench.links == [(LinkState.DISCONNECTED, "injected fault: link_drop")]
    assert driver.status().link is LinkState.DISCONNECTED
    with pytest.raises(LinkLost):
        driver.immediate(Command(cmd_type="GET_BATTERY_STATE"))
    with pytest.raises(LinkLost):
        bench.run("NAVIGATION", {"area": "CHARGER"})
    for _ in range(2):
        with pytest.raises(LinkLost):
            driver.connect()
    driver.connect()
    assert driver.status().link is LinkState.CONNECTED
    assert bench.motions() == []
    bench.run("NAVIGATION", {"area": "CHARGER"})


@pytest.mark.parametrize("how", ["stop", "emergency_stop"])
def test_stall__lasts_until_the_command_is_stopped(tmp_path: Path, how: str) -> None:
    bench = faulty(tmp_path, {"step": "GRABBING_BOTTLE", "kind": "stall", "nth": 1})
    running = bench.start("SCAN_QRCODE")
    while running.context.names()[-1] != "GRABBING_BOTTLE":
        threading.Event().wait(0.001)
    assert running.thread.is_alive()
    getattr(bench.robot(), how)()
    running.join()
    assert isinstance(running.error, Stopped)


def test_slow__makes_the_motions_of_that_step_longer(tmp_path: Path) -> None:
    usual = Bench(tmp_path / "usual")
    slow = faulty(
        tmp_path / "slow",
        {"step": "NAVIGATING", "kind": "slow", "factor": 3, "nth": 1},
        {"step": "WAVE", "kind": "slow", "nth": 1},
    )
    for cmd_type, params, factor in (
        ("NAVIGATION", {"area": "CHARGER"}, 3),
        ("ROBOT_ACTION", {"action_type": "WAVE"}, 2),
        ("NAVIGATION", {"area": "HOME"}, 1),
    ):
        one, other = (bench.run(cmd_type, params)[1].steps[-1].seconds for bench in (usual, slow))
        assert other == pytest.approx(one * factor)


@pytest.mark.parametrize("release", ["reset", "close"])
def test_unconfirmed_stop__does_not_come_back_until_released(tmp_path: Path, release: str) -> None:
    bench = faulty(tmp_path, {"kind": "unconfirmed_stop", "nth": 1})
    with bench.frozen():
        running = bench.start("NAVIGATION", {"area": "SCAN_TABLE"})
        bench.at(10, bench.robot().stop)
    running.thread.join(0.1)
    assert running.thread.is_alive()
    bench.robot().emergency_stop()
    running.thread.join(0.05)
    assert running.thread.is_alive()
    getattr(bench.robot(), release)()
    running.join()
    assert isinstance(running.error, Stopped)


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({}, r"faults\[0\].kind: is missing"),
        ({"kind": "explode"}, r"kind: found 'explode', expected one of fail, raise, link_drop"),
        ({"kind": "fail", "command": "SCAN"}, r"command: found 'SCAN', expected one of NAVIGATION"),
        ({"kind": "fail", "step": "SCANING"}, r"step: found 'SCANING', expected one of .*SCANNING"),
        ({"kind": "fail", "nth": 0}, r"nth: found 0, expected a whole number of at least 1"),
        ({"kind": "fail", "factor": 2}, r"factor: unknown key, expected one of kind, reason"),
        ({"kind": "slow", "factor": 0}, r"factor: found 0, expected a number above 0"),
        ("fail", r"faults\[0\]: found 'fail', expected a mapping"),
    ],
)
def test_fault_that_makes_no_sense__is_refused(tmp_path: Path, fault: Any, complaint: str) -> None:
    with pytest.raises(ConfigError, match=r"^robots\.robot_a\.options: .*" + complaint):
        faulty(tmp_path, fault).robot()
