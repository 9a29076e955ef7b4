"""`robotq maintenance`: what is to be seen to at the robots, and who has done it."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotq.testing.host import Host
from tests.cli.conftest import Reached, Typed

BELT = {"counts": "commands", "every": 1, "text": "change the belt"}


def test_belt__is_due_is_changed_by_name_and_counts_anew(
    robotq_host: Host, tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with robotq_host.daemon(tmp_path, {"robots.robot_a.maintenance": {"belt": BELT}}) as daemon:
        monkeypatch.setenv("ROBOTQ_URL", daemon.url)
        assert typed("submit", "NAVIGATION", "area=HOME", "--wait").code == 0
        # counters are looked at every few seconds
        Reached(daemon.url).wait_until("/maintenance", lambda told: told["items"][0]["used"])
        assert typed("maintenance").out.splitlines()[1].split() == (
            ["robot_a", "belt", "1", "1", "commands", "due", "change", "the", "belt"]
        )
        asked = typed("maintenance", "--done", "belt")
        assert asked.code == 2
        assert "robotq maintenance ROBOT --done ITEM" in asked.err
        assert typed("maintenance", "robot_a", "--done", "belt").code == 0
        (item,) = typed("maintenance", "robot_a", "--json").json["items"]
        assert (item["used"], item["done_by"]) == (0, "Li, bench 2")
        assert typed("maintenance", "robot_b").out == "Nothing is configured to be seen to\n"
        wrong = typed("maintenance", "robot_a", "--done", "door")
        assert wrong.code != 0
        assert "belt" in wrong.err
        monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
        assert "个命令" in typed("maintenance").out
