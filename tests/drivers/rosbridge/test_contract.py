"""The driver for robots of ROS keeps the contract of every driver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.testing.driver_contract import DriverBench, DriverContract
from robotq.testing.settle_contract import SettleContract
from tests.drivers.rosbridge.bench import bench_of
from tests.drivers.rosbridge.site import Site
from tests.slices import some

pytestmark = pytest.mark.wall("asyncio, which the bridge and its client use, waits by the wall")


@pytest.mark.parametrize("in_threads", some([True, False], 1))
class TestRosbridge(DriverContract, SettleContract):
    @pytest.fixture
    def bench(self, tmp_path: Path, in_threads: bool) -> Iterator[DriverBench]:
        site = Site(tmp_path, goals_in_threads=in_threads)
        yield bench_of(site)
        site.close()
