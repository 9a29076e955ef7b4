"""The driver for SiLA 2 servers keeps the contract of every driver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.model.task import Command
from robotq.testing.driver_contract import DriverBench, DriverContract
from robotq.testing.settle_contract import SettleContract
from tests.drivers.sila.site import Site

# each starts a server, which takes half a second of a processor
pytestmark = [
    pytest.mark.slow,
    pytest.mark.wall("the server is a process of its own, which waits by the wall"),
]


class TestSila(DriverContract, SettleContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[DriverBench]:
        site = Site(tmp_path)

        def back() -> None:
            site.cable.out = False

        yield DriverBench(
            driver=site.driver,
            links=site.links,
            quick=Command(cmd_type="MOVE", params={"steps": 3}),
            long=Command(cmd_type="MOVE", params={"steps": 3_000, "step_s": 0.01}),
            query=Command(cmd_type="BATTERY"),
            break_link=site.cable.pull,
            mend_link=back,
            # an execution goes on without its client, so its steps say nothing of who began it
            motions=site.starts,
            again=site.again,
        )
        site.close()
