"""Hold, stop and emergency stop of a simulated robot."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from queue import SimpleQueue
from random import Random
from typing import Any

import pytest

from robotq.drivers.base import Stopped
from robotq.model.task import Command
from robotq.system.clocks import ScaledClock
from tests.drivers.simulator.bench import Bench, Running

DRIVE = {"area": "SCAN_TABLE"}
"""12 m from where robot_a stands at first."""


def position(bench: Bench) -> float:
    """mm along the way of DRIVE."""
    x = bench.robot().status().details["x_mm"]
    assert isinstance(x, float)
    return x


def motion_state(bench: Bench) -> Mapping[str, Any]:
    return bench.robot().immediate(Command(cmd_type="GET_ROBOT_MOTION_STATE"))


def stands_held(bench: Bench) -> bool:
    state = motion_state(bench)
    return (state["state"], state["speed_mm_s"]) == ("held", 0) and position(bench) > 0


def drive_and(bench: Bench, seconds: float, what: str) -> Running:
    """A drive, in the middle of which a method of the driver is called."""
    with bench.frozen():
        running = bench.start("NAVIGATION", DRIVE)
        bench.at(seconds, getattr(bench.robot(), what))
    return running


def test_stop__slows_down_and_stands_in_a_known_place(bench: Bench) -> None:
    running = drive_and(bench, 20, "stop")
    running.join()
    assert isinstance(running.error, Stopped)
    axis = bench.lab.layout.robots["robot_a"].drive
    assert bench.clock.now() - 20 == pytest.approx(axis.speed / axis.acceleration, rel=0.06)
    assert running.context.places == [None]
    status = bench.robot().status()
    assert status.position_known
    assert status.place is None
    assert 5_000 < position(bench) < 8_000
    assert bench.state.robots["robot_a"].x == pytest.approx(position(bench), abs=0.1)


def test_after_a_stop__the_next_command_starts_where_the_robot_stands(bench: Bench) -> None:
    drive_and(bench, 20, "stop").join()
    stopped_at, at = position(bench), bench.clock.now()
    bench.run("NAVIGATION", DRIVE)
    assert bench.clock.now() - at < 12_000 / 350
    assert position(bench) == 12_000 > stopped_at
    assert bench.motions()[-1]["motion"] == "drive on the way -> SCAN_TABLE"


def test_stop_just_after_setting_off__has_not_left_the_place(bench: Bench) -> None:
    running = drive_and(bench, 1, "stop")
    running.join()
    assert isinstance(running.error, Stopped)
    assert running.context.places == []
    assert bench.robot().status().place == "HOME"
    assert 0 < position(bench) < 600
    _, context = bench.run("NAVIGATION", {"area": "HOME"})
    assert context.places == ["HOME"]
    assert position(bench) == 0


def test_stop_without_a_command__stops_nothing_later(bench: Bench) -> None:
    bench.robot().stop()
    result, _ = bench.run("NAVIGATION", DRIVE)
    assert result["area"] == "SCAN_TABLE"


def test_emergency_stop__stands_at_once(bench: Bench) -> None:
    running = drive_and(bench, 20, "emergency_stop")
    running.join()
    assert isinstance(running.error, Stopped)
    assert bench.clock.now() == 20
    assert 5_000 < position(bench) < 8_000


def test_emergency_stop__is_latched_until_reset_and_reset_moves_nothing(bench: Bench) -> None:
    drive_and(bench, 20, "emergency_stop").join()
    lines, where = len(bench.motions()), position(bench)
    context = bench.context()
    with pytest.raises(Stopped):
        bench.run("NAVIGATION", DRIVE, context=context)
    assert context.names() == []
    assert bench.robot().status().details["emergency_stop"] is True
    bench.robot().reset()
    assert (len(bench.motions()), position(bench)) == (lines, where)
    bench.run("NAVIGATION", DRIVE)
    assert bench.robot().status().place == "SCAN_TABLE"


def test_reset_right_after_an_emergency_stop__does_not_let_the_command_go_on(
    bench: Bench,
) -> None:
    def stop_and_reset() -> None:
        bench.robot().emergency_stop()
        bench.robot().reset()

    with bench.frozen():
        running = bench.start("NAVIGATION", DRIVE)
        bench.at(20, stop_and_reset)
    running.join()
    assert isinstance(running.error, Stopped)
    assert bench.clock.now() == 20


def test_emergency_stop_while_slowing_down__ends_that_too(bench: Bench) -> None:
    with bench.frozen():
        running = bench.start("NAVIGATION", DRIVE)
        bench.at(20, bench.robot().stop)
        bench.at(20.5, bench.robot().emergency_stop)
    running.join()
    assert isinstance(running.error, Stopped)
    assert bench.clock.now() == 20.5


def test_emergency_stop__at_any_moment_of_a_scan_no_line_is_written_afterwards(
    tmp_path: Path,
) -> None:
    whole = Bench(tmp_path / "whole")
    whole.run("SCAN_QRCODE")
    whole.close()
    random = Random(5)
    for number in range(8):
        bench = Bench(tmp_path / str(number))
        lines: SimpleQueue[list[dict[str, Any]]] = SimpleQueue()

        def press(bench: Bench = bench, lines: SimpleQueue[Any] = lines) -> None:
            bench.robot().emergency_stop()
            lines.put(bench.motions())

        # by motion time: a machine that stands still would let the scan come to its end
        with bench.frozen():
            running = bench.start("SCAN_QRCODE")
            bench.at(random.uniform(0, whole.clock.now()), press)
        running.join()
        assert bench.motions() == lines.get(timeout=10)
        assert isinstance(running.error, Stopped)
        bench.close()


def test_emergency_stop__while_a_line_waits_for_the_disk_it_is_not_written(bench: Bench) -> None:
    with bench.robot()._body.log._writing:
        running = bench.start("NAVIGATION", DRIVE)
        # it goes on until it is at the log
        time.sleep(0.02)
        bench.robot().emergency_stop()
    running.join()
    assert isinstance(running.error, Stopped)
    assert bench.motions() == []


@pytest.mark.wall("swift time goes on with whatever threads of other tests wait for")
@pytest.mark.real_time("a log that is stuck is waited for a moment")
def test_emergency_stop__waits_for_nobody_while_the_motion_log_is_stuck(bench: Bench) -> None:
    log = bench.robot()._body.log
    took = []
    with log._writing:
        # a machine that stands still does so once; what is waited for is waited for each time
        for _ in range(3):
            began = time.monotonic()
            bench.robot().emergency_stop()
            took.append(time.monotonic() - began)
    assert min(took) < 1
    assert bench.robot().status().details["emergency_stop"] is True


def test_hold__pauses_in_the_motion_and_resume_goes_on(bench: Bench) -> None:
    running = drive_and(bench, 20, "hold")
    deadline = time.monotonic() + 10
    while not stands_held(bench):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    held_at, at = position(bench), bench.clock.now()
    assert 20 < at < 22
    time.sleep(0.02)
    assert (position(bench), bench.clock.now()) == (held_at, at)
    bench.robot().resume()
    running.join()
    assert running.error is None
    assert position(bench) == 12_000
    assert len(bench.motions()) == 1
    assert running.context.places == [None, "SCAN_TABLE"]


def test_hold_before_a_command__lets_it_wait_before_its_first_motion(bench: Bench) -> None:
    bench.robot().hold()
    running = bench.start("NAVIGATION", DRIVE)
    time.sleep(0.02)
    assert bench.motions() == []
    bench.robot().resume()
    running.join()
    assert running.error is None


@pytest.mark.parametrize("how", ["stop", "emergency_stop"])
def test_stop_while_held__ends_the_command_and_the_hold(bench: Bench, how: str) -> None:
    bench.robot().hold()
    running = bench.start("NAVIGATION", DRIVE)
    getattr(bench.robot(), how)()
    running.join()
    assert isinstance(running.error, Stopped)
    assert bench.motions() == []
    bench.robot().reset()
    assert not bench.robot().status().held
    bench.run("NAVIGATION", DRIVE)


def test_hold_and_resume_at_random__never_loses_the_way(bench: Bench) -> None:
    random = Random(3)

    def blink() -> None:
        bench.robot().hold()
        bench.robot().resume()

    with bench.frozen():
        running = bench.start("NAVIGATION", DRIVE)
        for seconds in sorted(random.uniform(0, 30) for _ in range(20)):
            bench.at(seconds, blink)
    running.join()
    assert running.error is None
    assert position(bench) == 12_000


def test_stop_of_one_robot__leaves_the_other_alone(bench: Bench) -> None:
    bench.robot("robot_b")
    with bench.frozen():
        one = bench.start("NAVIGATION", DRIVE)
        other = bench.start("SPLIT_LIQUID", {}, robot="robot_b")
        bench.at(10, bench.robot().stop)
    one.join()
    other.join()
    assert isinstance(one.error, Stopped)
    assert other.result is not None


def test_close_in_the_middle_of_a_command__ends_it(bench: Bench) -> None:
    running = drive_and(bench, 20, "close")
    running.join()
    assert isinstance(running.error, Stopped)


def test_all_controls_at_once_from_many_threads__leave_a_robot_that_works(tmp_path: Path) -> None:
    bench = Bench(tmp_path, clock=ScaledClock(0.0005))
    driver = bench.robot()
    over = threading.Event()

    def press(seed: int) -> None:
        random = Random(seed)
        while not over.is_set():
            getattr(driver, random.choice(["hold", "resume", "stop", "emergency_stop", "reset"]))()
            driver.status()
            time.sleep(random.uniform(0, 0.003))

    threads = [threading.Thread(target=press, args=(seed,), daemon=True) for seed in range(4)]
    for thread in threads:
        thread.start()
    ends = set()
    for _ in range(60):
        try:
            bench.run("NAVIGATION", {"area": "SCAN_TABLE"})
            ends.add("done")
        except Stopped:
            ends.add("stopped")
    over.set()
    for thread in threads:
        thread.join(10)
    driver.reset()
    driver.resume()
    bench.run("NAVIGATION", {"area": "HOME"})
    assert "stopped" in ends
    me = bench.state.robots["robot_a"]
    assert (me.place, math.hypot(me.x, me.y)) == ("HOME", 0)
