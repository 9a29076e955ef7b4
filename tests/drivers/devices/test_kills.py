"""robotq is killed while a command moves, scans, weighs and dispenses: nothing is done twice, and
what it left at work is brought to rest before anything goes on."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.client import Client
from robotq.testing.process import DaemonProcess
from tests import forks
from tests.drivers.devices.bench import Bench
from tests.drivers.line.bench import eventually
from tests.slices import some

pytestmark = pytest.mark.real_time("a kill falls into a command that takes its time")

_LONG_ML, _SHORT_ML = 900, 1.5
"""More than a minute and a half, and an eighth of a second."""
_WINDOW_S = 0.7
"""Within this the short one has ended, most often."""


class Lab:
    """A bench and its daemon, which may be killed and started again."""

    def __init__(self, bench: Bench, daemon: DaemonProcess) -> None:
        self.bench = bench
        self.daemon = daemon

    def client(self) -> Client:
        return Client(self.daemon.url, retry_s=5, language="en")

    def start(self) -> None:
        assert self.daemon.start(), self.daemon.log.read_text()

    def until_ready(self, client: Client) -> None:
        """All links are there, and no device is waited for."""
        eventually(lambda: client.robot("gantry").connected)
        eventually(lambda: all(d.connected for d in client.robot("gantry").devices.values()))
        eventually(lambda: "motion_held" not in self.holds(client))

    def holds(self, client: Client) -> list[str]:
        return [hold.code for hold in client.queue_status("gantry").holds]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Bench(tmp_path) as bench:
        made = Lab(bench, DaemonProcess(tmp_path / "data", config=bench.site, run=forks.run))
        made.start()
        try:
            yield made
        finally:
            made.daemon.kill()


@pytest.mark.slow
@pytest.mark.parametrize("seed", some(range(50), 2))
def test_kill__at_any_moment_does_nothing_twice_and_leaves_nothing_at_work(
    lab: Lab, seed: int
) -> None:
    rng = random.Random(seed)
    volume_ml = rng.choice([_LONG_ML, _SHORT_ML])
    pump, wire = lab.bench.pump, lab.bench.pump_wire
    with lab.client() as client:
        lab.until_ready(client)
        task_id = client.submit("PREPARE_VIAL", {"volume_ml": volume_ml}).task_id
    time.sleep(rng.uniform(0, _WINDOW_S))
    lab.daemon.kill()
    moved, triggered = len(lab.bench.gantry.taken), lab.bench.scanner.triggered
    began, cut_off = pump.moves, pump.moves_now
    heard = len(wire.heard)
    lab.start()
    with lab.client() as client:
        lab.until_ready(client)
        task = client.task(task_id)
        if task.outcome_unknown:
            # nothing goes on before a person has looked
            assert "outcome_unknown" in lab.holds(client)
            assert not lab.bench.pump_moves()
            assert (pump.moves, lab.bench.scanner.triggered) == (began, triggered)
            assert not lab.bench.went_to_the_vial(since=moved)
            if cut_off:
                assert "HALT" in wire.heard[heard:]
                assert client.robot("gantry").devices["pump"].safe_state == "confirmed"
            client.resolve(task_id, "failed")
        elif not task.ended:
            # it had not begun, and does so now
            assert (began, triggered) == (0, 0)
            client.cancel(task_id)
            client.wait(task_id)
        assert not lab.bench.pump_moves()
        assert pump.moves <= 1
        assert lab.bench.balance.tares <= 1
        # the next command runs as if nothing had been
        after = client.submit("PREPARE_VIAL", {"volume_ml": _SHORT_ML}).task_id
        eventually(lambda: lab.holds(client) == [])
        assert client.wait(after).completed
        assert lab.bench.went_to_the_vial(since=moved)


def test_kill__while_a_device_acts_holds_the_queue_until_the_device_is_back(lab: Lab) -> None:
    with lab.client() as client:
        lab.until_ready(client)
        task_id = client.submit("PREPARE_VIAL", {"volume_ml": _LONG_ML}).task_id
        eventually(lab.bench.pump_moves)
    lab.daemon.kill()
    lab.bench.pump_wire.unplug()
    lab.start()
    with lab.client() as client:
        eventually(lambda: "motion_held" in lab.holds(client))
        status = client.queue_status("gantry")
        assert any("pump: its safe state" in str(hold.reason) for hold in status.holds)
        client.resolve(task_id, "failed")
        client.resume("gantry")
        away = client.submit("MOVE_AWAY", {}).task_id
        moved = len(lab.bench.gantry.axes.moved)
        # the pump is still at work, so nothing begins
        assert "motion_held" in lab.holds(client)
        assert lab.bench.pump_moves()
        assert len(lab.bench.gantry.axes.moved) == moved
        lab.bench.pump_wire.plug_in()
        assert client.wait(away).completed
        assert not lab.bench.pump_moves()
        assert lab.bench.pump.moves == 1
