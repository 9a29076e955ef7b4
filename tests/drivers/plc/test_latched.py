"""An emergency stop that is latched while the PLC cannot be reached comes before everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.drivers import latched
from tests.drivers.killed import KilledDaemon
from tests.drivers.plc.conftest import PlcSites
from tests.drivers.plc.model import Kind
from tests.drivers.plc.test_kills import Log
from tests.slices import some

pytestmark = [
    pytest.mark.wall("the server of the PLC waits by the wall"),
    pytest.mark.real_time("the stop falls into a command that takes its time"),
    pytest.mark.timeout(600),
]


@pytest.fixture
def device(tmp_path: Path, plc_sites: PlcSites, block: int) -> Iterator[latched.Device]:
    kind: Kind = ("numbered", "numbered", "pulse", "request")[block // 2 % 4]
    with ExitStack() as stack:
        site = plc_sites("opcua" if block % 2 else "modbus", kind)
        # a busy machine answers late
        robot = {"driver": "plc", "options": {**site.options, "answer_s": 10}}
        lab = KilledDaemon(tmp_path, "station", robot, Log(site))
        stack.callback(lab.daemon.kill)

        def stands(goal: int) -> bool:
            ends = [job.ended for job in site.plc.jobs if job.goal == goal]
            return ends == ["stopped"] and not site.plc.moves

        def cut() -> None:
            site.cable.pull()
            site.heard.clear()

        yield latched.Device(
            lab=lab,
            params=lambda seed: {"goal": 1_000 + seed},
            stands=stands,
            cut=cut,
            mend=site.cable.plug,
            named=kind == "numbered",
            first=lambda: not site.heard or site.heard[0] == ("stop", True),
        )


@pytest.mark.parametrize("block", some(range(10), 0))
@pytest.mark.parametrize("latch", [latched.while_down, latched.while_away])
def test_emergency_stop__that_could_not_be_sent_is_the_first_that_is_written(
    device: latched.Device, latch: Callable[[latched.Device, range], None], block: int
) -> None:
    latch(device, range(block * latched.ROUNDS, (block + 1) * latched.ROUNDS))
