"""An emergency stop that is latched while the server cannot be reached comes before everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.drivers import latched
from tests.drivers.killed import KilledDaemon
from tests.drivers.sila.site import OPTIONS, Site
from tests.drivers.sila.test_kills import Log
from tests.slices import some

pytestmark = [
    pytest.mark.real_time("the stop falls into a command that takes its time"),
    pytest.mark.timeout(600),
]


@pytest.fixture
def device(tmp_path: Path) -> Iterator[latched.Device]:
    with ExitStack() as stack:
        site = Site(tmp_path)
        stack.callback(site.close)
        options = {**OPTIONS, "address": f"127.0.0.1:{site.cable.port}"}
        lab = KilledDaemon(tmp_path, "arm", {"driver": "sila", "options": options}, Log(site))
        stack.callback(lab.daemon.kill)

        def stands(place: str) -> bool:
            log = site.log()
            run = next(line.split()[1] for line in log if line.endswith(f" {place}"))
            return f"end {run} cancelled" in log

        yield latched.Device(
            lab=lab,
            params=lambda seed: {"place": f"P{seed}", "steps": 9_000, "step_s": 0.01},
            stands=stands,
            cut=site.cable.pull,
            mend=site.cable.plug,
        )


@pytest.mark.parametrize("block", some(range(10), 0))
@pytest.mark.parametrize("latch", [latched.while_down, latched.while_away])
def test_emergency_stop__that_could_not_be_sent_ends_the_execution_first(
    device: latched.Device, latch: Callable[[latched.Device, range], None], block: int
) -> None:
    latch(device, range(block * latched.ROUNDS, (block + 1) * latched.ROUNDS))
