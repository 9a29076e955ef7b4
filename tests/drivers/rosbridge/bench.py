"""A site of either ROS, as the contract of every driver tries it."""

from __future__ import annotations

from robotq.model.task import Command
from robotq.testing.driver_contract import DriverBench
from tests.drivers.rosbridge.ros1_site import Ros1Site
from tests.drivers.rosbridge.site import Site


def bench_of(site: Site | Ros1Site) -> DriverBench:
    def away() -> None:
        site.bridge.away = True
        site.bridge.disconnect()

    def back() -> None:
        site.bridge.away = False

    return DriverBench(
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
