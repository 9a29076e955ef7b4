"""The driver for robots of ROS keeps the contract of every driver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.model.task import Command
from robotq.testing.driver_contract import DriverBench, DriverContract
from robotq.testing.settle_contract import SettleContract
from tests.drivers.rosbridge.site import Site

pytestmark = pytest.mark.wall("asyncio, which the bridge and its client use, waits by the wall")


@pytest.mark.parametrize("in_threads", [False, True])
class TestRosbridge(DriverContract, SettleContract):
    @pytest.fixture
    def bench(self, tmp_path: Path, in_threads: bool) -> Iterator[DriverBench]:
        site = Site(tmp_path, goals_in_threads=in_threads)

        def away() -> None:
            site.bridge.away = True
            site.bridge.disconnect()

        def back() -> None:
            site.bridge.away = False

        yield DriverBench(
            driver=site.driver,
            links=site.links,
            quick=Command(cmd_type="MOVE", params={"steps": 3}),
            long=Command(cmd_type="MOVE", params={"steps": 300, "step_s": 0.01}),
            query=Command(cmd_type="BATTERY"),
            break_link=away,
            mend_link=back,
            # a goal goes on without its client, so its steps say nothing of who began it
            motions=site.starts,
            again=site.again,
        )
        site.close()
