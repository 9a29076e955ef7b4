"""What is where in the lab outlives the process."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from robotq.drivers.base import DriverError, DriverSetup, Stopped
from robotq.drivers.simulator import create
from robotq.drivers.simulator.motion_log import MotionLog
from robotq.model.errors import ConfigError
from robotq.system.clocks import VirtualClock
from tests.drivers.simulator.bench import Bench

SCANS_FOR_EVER = """
import sys
from pathlib import Path
from tests.drivers.simulator.bench import Bench
bench = Bench(Path(sys.argv[1]))
while True:
    bench.run("SCAN_QRCODE")
    bench.run("NAVIGATION", {"area": "HOME"})
"""


def lab_file(bench: Bench) -> Path:
    return bench.folder / "simulator" / "lab.json"


def test_restart__goes_on_with_the_lab_as_it_was(bench: Bench) -> None:
    bench.run("SCAN_QRCODE")
    bench.run("PICK_UP", {"target_params": [{"bottle_id": "bottle_002"}]})
    before = bench.state
    again = bench.restarted()
    again.robot()
    assert again.state == before
    assert again.robot().status().place == "SPLIT_TABLE"
    assert again.robot().status().details["gripper"] == "bottle_002"
    again.run(
        "PUT_TO",
        {"release_params": [{"bottle_id": "bottle_002", "release_pose": "SPLIT_TABLE_005"}]},
    )


def test_file__holds_what_the_motion_before_has_done(bench: Bench) -> None:
    bench.run("NAVIGATION", {"area": "CHARGER"})
    assert json.loads(lab_file(bench).read_text())["lab"]["robots"]["robot_a"]["place"] == "CHARGER"


def test_motion_log__has_a_line_before_each_motion(bench: Bench) -> None:
    seen: list[int] = []
    context = bench.context()
    # the step after a motion: its line is there, and nothing of the next one
    context.at_step["CV_DETECTING"] = lambda: seen.append(len(bench.motions()))
    bench.run("SCAN_QRCODE", context=context)
    assert seen == [4]
    first = bench.motions()[0]
    assert list(first) == ["ts", "robot", "task_id", "attempt", "step", "motion"]
    assert first["robot"] == "robot_a"
    assert first["task_id"] == "task_1"
    assert first["attempt"] == 1
    assert first["step"] == "NAVIGATING_TO_SCAN"
    assert first["motion"] == "drive HOME -> SCAN_TABLE"
    assert abs(first["ts"] - time.time()) < 60


def test_line__is_there_while_its_motion_is_under_way(bench: Bench) -> None:
    with bench.frozen():
        running = bench.start("NAVIGATION", {"area": "CHARGER"})
        while not bench.motions():
            time.sleep(0.001)
        assert bench.robot().status().place == "HOME"
    running.join()


@pytest.mark.parametrize(
    "content",
    ["", "{", '{"version": 1}', "[]", "null", '{"version": 2, "contents": "x", "lab": {}}', "\0"],
)
def test_file_that_was_cut_short__is_set_aside_with_a_warning(
    bench: Bench, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench.run("SCAN_QRCODE")
    lab_file(bench).write_text(content)
    again = bench.restarted()
    with caplog.at_level(logging.WARNING):
        again.robot()
    assert "lab.json.bad" in caplog.text
    assert lab_file(bench).with_suffix(".json.bad").read_text() == content
    assert again.state.bottles["bottle_001"].slot == "SCAN_TABLE_001"
    again.run("SCAN_QRCODE")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"SPLIT_TABLE_001"', '"SPLIT_TABLE_002"', "are both in SPLIT_TABLE_002"),
        ('"SPLIT_TABLE_001"', '"MOON_001"', "in MOON_001, which is no slot"),
        ('"place": "SPLIT_TABLE"', '"place": "MOON"', "stands at MOON, which is no place"),
        ('"box_001": "BOX_AREA_1"', '"box_001": "MOON"', "in MOON, which is no box area"),
        ('"volume": 250.0', '"volume": "much"', "found 'much', expected a number"),
        ('"trays"', '"plates"', "trays: is missing"),
        ('"process": false', '"process": 1', "expected true or false"),
    ],
)
def test_file_that_contradicts_itself__is_set_aside_too(
    bench: Bench, old: str, new: str, complaint: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench.run("SCAN_QRCODE")
    text = lab_file(bench).read_text()
    assert old in text
    lab_file(bench).write_text(text.replace(old, new))
    bench.restarted().robot()
    assert complaint in caplog.text


def test_other_bottles_in_the_lab_file__set_the_lab_up_anew(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run("SCAN_QRCODE")
    other = Path(__file__).parents[3] / "config" / "lab.yaml"
    changed = Bench(tmp_path, options={"lab": str(other)})
    changed.robot()
    assert not changed.state.bottles["bottle_002"].readable
    assert changed.state.bottles["bottle_002"].slot == "SCAN_TABLE_002"


def test_robots_of_one_daemon__work_in_one_lab(bench: Bench) -> None:
    bench.robot("robot_a")
    bench.robot("robot_b")
    source = {"bottle_id": "bottle_006", "release_pose": "SPLIT_DONE_250ML_AREA_002"}
    bench.run("PICK_UP", {"target_params": [{"bottle_id": "bottle_006"}]}, robot="robot_b")
    with pytest.raises(DriverError, match=r"bottle_006 cannot be picked up; it is in robot_b\."):
        bench.run("PICK_UP", {"target_params": [{"bottle_id": "bottle_006"}]})
    bench.run("PUT_TO", {"release_params": [source]}, robot="robot_b")
    bench.run("PICK_UP", {"target_params": [{"bottle_id": "bottle_006"}]})
    assert {line["robot"] for line in bench.motions()} == {"robot_a", "robot_b"}


def test_robots_that_name_different_labs__are_refused(bench: Bench, tmp_path: Path) -> None:
    bench.robot("robot_a")
    other = Path(__file__).parents[3] / "config" / "lab.yaml"
    with pytest.raises(ConfigError, match="all simulated robots work in one lab"):
        create(
            DriverSetup(
                robot="robot_b",
                options={"lab": str(other)},
                data=tmp_path,
                clock=VirtualClock(),
                link_changed=lambda state, reason: None,
                shared=bench.shared,
            )
        )


def test_both_robots_at_once__lose_nothing(bench: Bench) -> None:
    bench.robot("robot_b")
    with bench.frozen():
        one = bench.start("SCAN_QRCODE")
        other = bench.start("SPLIT_LIQUID", {}, robot="robot_b")
    for running in (one, other):
        running.join()
        assert running.error is None
    assert bench.state.bottles["bottle_003"].slot == "SPLIT_TABLE_003"
    assert bench.state.bottles["bottle_004"].slot == "SPLIT_DONE_250ML_AREA_002"
    robots = [line["robot"] for line in bench.motions()]
    assert robots.count("robot_b") == 12
    assert robots != sorted(robots), "they moved at the same time"


def test_full_disk__stops_what_cannot_be_logged_and_goes_on_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.robot()
    with monkeypatch.context() as patch:
        patch.setattr("robotq.drivers.simulator.motion_log.os.write", _disk_full)
        with pytest.raises(DriverError, match="motion log cannot be written: No space left"):
            bench.run("NAVIGATION", {"area": "CHARGER"})
    assert bench.robot().status().place == "HOME"
    bench.run("NAVIGATION", {"area": "CHARGER"})
    assert len(bench.motions()) == 1


def test_line_cut_short_by_a_full_disk__does_not_spoil_the_next_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.robot()
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(
            "robotq.drivers.simulator.motion_log.os.write", lambda fd, line: write(fd, line[:9])
        )
        with pytest.raises(DriverError, match="the disk is full"):
            bench.run("NAVIGATION", {"area": "CHARGER"})
    bench.run("NAVIGATION", {"area": "CHARGER"})
    lines = (bench.folder / "simulator" / "motions.jsonl").read_text().splitlines()
    assert len(lines[0]) == 9
    assert json.loads(lines[1])["motion"] == "drive HOME -> CHARGER"


def test_line_cut_short_by_a_kill__does_not_spoil_the_next_one(bench: Bench) -> None:
    log = bench.folder / "simulator" / "motions.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b'{"ts":1795960317.17977,"robo')
    bench.robot("robot_a")
    bench.robot("robot_b")
    bench.run("NAVIGATION", {"area": "CHARGER"})
    cut, *whole = log.read_text().splitlines()
    assert cut == '{"ts":1795960317.17977,"robo'
    assert json.loads(whole[0])["motion"] == "drive HOME -> CHARGER"


def test_lab_that_cannot_be_saved__goes_on_in_memory_and_is_saved_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench.robot()
    with monkeypatch.context() as patch:
        patch.setattr("robotq.system.durable.os.fsync", _disk_full)
        bench.run("NAVIGATION", {"area": "CHARGER"})
        bench.run("NAVIGATION", {"area": "BOX_AREA_1"})
    assert caplog.text.count("cannot be written") == 1
    assert bench.robot().status().place == "BOX_AREA_1"
    bench.run("NAVIGATION", {"area": "HOME"})
    again = bench.restarted()
    again.robot()
    assert again.state == bench.state


def test_large_motion_log__is_begun_anew_and_one_old_one_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robotq.drivers.simulator.motion_log.LIMIT_BYTES", 100)
    for number in range(3):
        log = MotionLog(tmp_path, "robot_a")
        log.append(
            task_id=f"task_{number}", attempt=1, step="S", motion="m" * 100, allowed=lambda: True
        )
        log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "motions.jsonl",
        "motions.jsonl.1",
    ]
    assert "task_2" in (tmp_path / "motions.jsonl").read_text()
    assert "task_1" in (tmp_path / "motions.jsonl.1").read_text()


def test_closed_log__takes_no_more_lines(bench: Bench) -> None:
    driver = bench.robot()
    driver.close()
    driver.connect()
    with pytest.raises(Stopped):
        bench.run("NAVIGATION", {"area": "CHARGER"})


@pytest.mark.slow
@pytest.mark.wall("the robot is a process that is killed")
def test_kill_in_the_middle_of_motions__leaves_a_lab_that_goes_on(tmp_path: Path) -> None:
    for kill_after in (3, 50):
        process = subprocess.Popen(
            [sys.executable, "-c", SCANS_FOR_EVER, str(tmp_path)],
            cwd=Path(__file__).parents[3],
        )
        log = tmp_path / "simulator" / "motions.jsonl"
        lines = len(log.read_bytes().splitlines()) if log.exists() else 0
        deadline = time.monotonic() + 30
        while not log.exists() or len(log.read_bytes().splitlines()) < lines + kill_after:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        bench = Bench(tmp_path)
        bench.robot()
        assert not (tmp_path / "simulator" / "lab.json.bad").exists()
        assert all(set(line) >= {"ts", "robot", "motion"} for line in bench.motions())
        assert bench.run("SCAN_QRCODE")[0]["scanned_count"] > 0
        bench.close()


def _disk_full(*_: object) -> int:
    raise OSError(28, "No space left on device")
