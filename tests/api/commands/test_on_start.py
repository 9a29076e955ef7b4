"""A robot that does not move by itself after a restart, as its people see it over HTTP."""

from __future__ import annotations

import time
from pathlib import Path

from robotq.client import Client
from robotq.testing.process import DaemonProcess
from tests import forks

CONFIG = """
robots:
  robot_a: {driver: simulator, on_start: hold}
  robot_b: {driver: simulator, on_start: resume}
"""


def test_on_start_hold__it_waits_with_the_reason_until_somebody_releases_it(
    tmp_path: Path,
) -> None:
    config = tmp_path / "site.yaml"
    config.write_text(CONFIG)
    daemon = DaemonProcess(tmp_path / "data", config=config, run=forks.run)
    with daemon, Client(daemon.url) as client:
        client.pause()
        waiting = {
            robot: client.submit("NAVIGATION", {"area": "HOME"}, robot_id=robot).task_id
            for robot in ("robot_a", "robot_b")
        }
        daemon.kill()
    with daemon, Client(daemon.url, language="en") as client:
        # the links come up a moment after the daemon
        deadline = time.monotonic() + 20
        while True:
            robots = {robot.robot_id: robot for robot in client.robots()}
            codes = {hold.code for robot in robots.values() for hold in robot.holds}
            if "disconnected" not in codes:
                break
            assert time.monotonic() < deadline, codes
            time.sleep(0.01)
        assert {hold.code for hold in robots["robot_b"].holds} == {"paused"}
        held = {hold.code: hold for hold in robots["robot_a"].holds}
        assert set(held) == {"paused", "restarted"}
        assert robots["robot_a"].state == "held"
        assert "does not move by itself after a restart" in held["restarted"].reason
        assert client.task(waiting["robot_a"], wait_s=0.3).state == "pending"
        assert "restarted" in {hold.code for hold in client.queue_status("robot_a").holds}

        clear = held["restarted"].clear
        client.request(clear["method"], clear["path"], clear["body"])
        assert client.wait(waiting["robot_a"], timeout_s=20).completed
        assert client.robot("robot_a").holds == ()
        assert client.task(waiting["robot_b"]).state == "pending", "that one is still paused"
        client.resume("robot_b")
        assert client.wait(waiting["robot_b"], timeout_s=20).completed
        # it is about a restart, and not about what comes in afterwards
        assert client.run("NAVIGATION", {"area": "HOME"}, robot_id="robot_a").completed
