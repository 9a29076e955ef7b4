"""The configuration loses a robot for which commands wait."""

from __future__ import annotations

import signal
from pathlib import Path

import requests

from tests.cli.conftest import Serve, Typed

ONE = "robots: {robot_a: {}}\n"
TWO = "robots: {robot_a: {}, robot_b: {}}\n"
OWN = "commands: {WAVE: {steps: [{wait_s: 1}]}}\n"


def test_robot_that_is_gone__seven_are_counted_and_seven_are_listed(
    serve: Serve, typed: Typed, tmp_path: Path
) -> None:
    file, data = tmp_path / "site.yaml", tmp_path / "data"
    (tmp_path / "own.yaml").write_text(OWN)
    file.write_text(f"{TWO}commands: [own.yaml]\ntime_scale: 0\n")
    served = serve("serve", "--config", str(file), data=data)
    served.post("/queue/pause")
    home = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
    there = [served.post("/", {**home, "robot_id": "robot_b"})["task_id"] for _ in range(4)]
    there.append(served.post("/", {"cmd_type": "WAVE", "robot_id": "robot_b"})["task_id"])
    wave = served.post("/", {"cmd_type": "WAVE"})["task_id"]
    served.post("/", home)
    served.end(signal.SIGKILL)
    (data / "port").unlink()

    # told before anything is started, also to programs
    file.write_text(f"{ONE}time_scale: 0\n")
    told = typed("check-config", file, "--data", data)
    assert told.code == 0
    assert "Note: 7 commands wait in the data folder" in told.out
    assert f"1 waiting command does not fit any more: robot_a: {wave} WAVE" in told.out
    assert "robot_b is not in the configuration, and 5 of its commands are left" in told.out
    found = typed("check-config", file, "--data", data, "--json").json
    assert (found["waiting"], found["not_configured"]) == (7, {"robot_b": 5})
    assert found["does_not_fit"] == {"count": 1, "tasks": [wave]}
    assert typed("check-config", file, "--data", tmp_path / "nowhere").code == 1

    served = serve("serve", "--config", str(file), data=data)
    status = served.get("/queue/status")
    assert status["queue_size"] == len(status["tasks"]) == 7
    assert status["robots"]["robot_b"]["queue_size"] == 5
    holds = {hold["code"]: hold for hold in served.get("/queue/status?robot_id=robot_b")["holds"]}
    assert "5" in holds["not_configured"]["reason"]
    assert "robot_b" in holds["not_configured"]["reason"]
    assert "not configured" in typed("robots", "--url", served.url).out
    (absent,) = served.get("/robots")["not_configured"]
    assert (absent["robot_id"], absent["queue_size"]) == ("robot_b", 5)
    assert "robot_b (5 waiting)" in served.shown

    # moved, called off, refused
    moved = typed("move", there[0], "robot_a", "--note", "away", "--url", served.url)
    assert (moved.code, "position 3" in moved.out) == (0, True)
    refused = typed("move", there[4], "robot_a", "--url", served.url)
    assert refused.code == 1
    assert "WAVE" in refused.err
    for task_id in there[1:]:
        assert requests.post(f"{served.url}/task/{task_id}/cancel", timeout=10).ok
    served.wait_until("/robots", lambda robots: not robots["not_configured"])
    assert list(served.get("/queue/status")["robots"]) == ["robot_a"]


def test_place__of_a_robot_that_is_gone_is_released_from_the_command_line(
    serve: Serve, typed: Typed, tmp_path: Path
) -> None:
    file, data = tmp_path / "site.yaml", tmp_path / "data"
    file.write_text(f"{TWO}time_scale: 0\n")
    served = serve("serve", "--config", str(file), data=data)
    bench = {"cmd_type": "NAVIGATION", "params": {"area": "REFILL_STATION"}}
    there = served.post("/", {**bench, "robot_id": "robot_b"})["task_id"]
    served.wait_until(f"/task/{there}", lambda task: task["state"] == "completed")
    served.end(signal.SIGTERM)
    file.write_text(f"{ONE}time_scale: 0\n")
    served = serve("serve", "--config", str(file), data=data)
    waiting = served.post("/", bench)["task_id"]
    told = served.wait_until(f"/task/{waiting}", lambda task: task.get("waits"))
    (wait,) = told["waits"]
    (release,) = [
        place["held_by"]["release"]["body"]
        for place in served.get("/resources")["resources"]
        if place["resource"] == "refill_station"
    ]
    assert (wait["clear"]["path"], wait["clear"]["body"]) == (
        "/resources/refill_station/release",
        release,
    )
    assert release["holder"] == "robot_b"
    assert release["since_ms"]
    listed = typed("resources", "--url", served.url)
    assert "robot_b (not_configured)" in listed.out
    asked = typed("release", "refill_station", "--url", served.url)
    assert asked.code == 2
    assert "robotq release refill_station --holder robot_b" in asked.err
    assert typed("release", "refil_station", "--url", served.url).code == 2
    done = typed("release", "refill_station", "--holder", "robot_b", "--url", served.url)
    assert done.code == 0
    assert "robot_b" in done.out
    served.wait_until(f"/task/{waiting}", lambda task: task["state"] == "completed")
