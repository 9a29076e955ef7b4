"""What robots measure: what is shown as now, what is shown as old, and how much of it is kept."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from robotq.config import ValueConfig
from robotq.engine.robot.values import SLOTS, STEP_S, Ring, RobotValues, ValueLook
from robotq.model.carried.live_value import MOST_VALUES, LiveValue, ValueState


class Bench:
    """The values of one robot, by a clock of ours."""

    def __init__(self, **configured: ValueConfig) -> None:
        self.now = 1_000.0
        self.connected = True
        self.configured: Mapping[str, ValueConfig] = configured
        self.values = RobotValues(
            "robot_a", lambda: self.configured, lambda: self.connected, now=lambda: self.now
        )

    def hears(self, after_s: float = 0.5, **values: Any) -> None:
        self.now += after_s
        self.values.take(
            {
                name: value if isinstance(value, LiveValue) else LiveValue(value=value)
                for name, value in values.items()
            }
        )

    def look(self, name: str = "battery", points: int = 0) -> ValueLook:
        (found,) = [each for each in self.values.look(points) if each.name == name]
        return found

    def names(self) -> list[str]:
        return [each.name for each in self.values.look()]


def battery(value: float, age_s: float = 0.0) -> LiveValue:
    return LiveValue(value=value, unit="%", normal=(20.0, 100.0), age_s=age_s)


def test_battery__is_told_with_its_range_and_where_it_stands_in_it() -> None:
    bench = Bench()
    for value, state in ((20.0, "normal"), (100.0, "normal"), (19.9, "low"), (100.1, "high")):
        bench.hears(battery=battery(value))
        look = bench.look()
        assert (look.value, look.unit, look.normal) == (value, "%", (20.0, 100.0))
        assert look.state == state


def test_value__that_is_not_heard_any_more_is_old_and_says_how_old() -> None:
    bench = Bench()
    bench.hears(battery=battery(80))
    bench.now += 9.9
    assert bench.look().state is ValueState.NORMAL
    bench.now += 0.2
    look = bench.look()
    assert look.state is ValueState.STALE
    assert look.age_s == pytest.approx(10.1)
    assert look.value == 80


def test_value__that_the_driver_repeats_without_hearing_it_grows_old_too() -> None:
    """A driver is asked twice a second; what its robot has said once does not become new by it."""
    bench = Bench()
    bench.hears(battery=battery(80))
    for age_s in range(1, 13):
        bench.hears(after_s=1.0, battery=battery(80, age_s=float(age_s)))
    look = bench.look(points=SLOTS)
    assert look.state is ValueState.STALE
    assert look.age_s == pytest.approx(12)
    assert sum(point is not None for point in look.points) == 1


def test_robot__that_is_not_connected_has_no_value_of_now() -> None:
    bench = Bench()
    bench.hears(battery=battery(80))
    bench.connected = False
    assert bench.look().state is ValueState.STALE
    bench.connected = True
    assert bench.look().state is ValueState.NORMAL


def test_site__says_what_is_normal_and_what_needs_somebody() -> None:
    bench = Bench(
        battery=ValueConfig(normal=[30, None], alarm=True, alarm_after_s=5, stale_s=60, unit="V")
    )
    bench.hears(battery=battery(29))
    assert bench.look().normal == (30, None)
    assert bench.look().state is ValueState.LOW
    assert bench.look().unit == "%"
    assert not bench.look().alarm
    bench.hears(after_s=4.9, battery=battery(29))
    assert not bench.look().alarm
    bench.hears(after_s=0.2, battery=battery(28))
    assert bench.look().alarm
    # back, and out again: the five seconds begin anew
    bench.hears(battery=battery(30))
    assert not bench.look().alarm
    bench.hears(battery=battery(29))
    assert not bench.look().alarm


def test_alarm__is_none_of_a_value_that_nobody_has_asked_for() -> None:
    bench = Bench()
    bench.hears(battery=battery(1))
    bench.hears(after_s=60, battery=battery(1))
    assert bench.look().state is ValueState.LOW
    assert not bench.look().alarm


def test_alarm__is_none_while_nobody_knows_the_value() -> None:
    bench = Bench(battery=ValueConfig(alarm=True))
    bench.hears(battery=battery(1))
    bench.hears(after_s=8, battery=battery(1))
    assert bench.look().alarm
    bench.now += 11
    assert not bench.look().alarm


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Battery", battery(1)),
        ("1st", battery(1)),
        ("a-b", battery(1)),
        ("x" * 49, battery(1)),
        ("a\n", battery(1)),
        ('a"b', battery(1)),
        ("", battery(1)),
        (7, battery(1)),
        ("battery", 5.0),
        ("battery", LiveValue(value=math.nan)),
        ("battery", LiveValue(value=math.inf)),
        ("battery", LiveValue(value=True)),
        ("battery", LiveValue(value="12")),  # type: ignore[arg-type]
        ("battery", LiveValue(value=10**400)),
        ("battery", LiveValue(value=1, unit="m" * 17)),
        ("battery", LiveValue(value=1, unit="a\nb")),
        ("battery", LiveValue(value=1, normal=(2, 1))),
        ("battery", LiveValue(value=1, normal=(math.nan, 1))),
        ("battery", LiveValue(value=1, normal=("a", 1))),  # type: ignore[arg-type]
        ("battery", LiveValue(value=1, age_s=-1)),
        ("battery", LiveValue(value=1, age_s=math.nan)),
    ],
)
def test_driver__that_tells_nonsense_is_left_out_and_logged_once(
    name: Any, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench()
    for _ in range(3):
        bench.values.take({name: value, "good": LiveValue(value=1.0)})
    assert bench.names() == ["good"]
    assert len(caplog.records) == 1


def test_driver__that_makes_up_names_fills_neither_memory_nor_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    for number in range(5_000):
        bench.hears(after_s=0.0, **{f"v{number}": 1.0})
    assert len(bench.values) == MOST_VALUES
    assert len(caplog.records) <= 50
    # those that it has given up make room for those that it tells now
    bench.hears(after_s=11, other=1.0)
    assert len(bench.values) == MOST_VALUES
    assert bench.look("other").value == 1.0


def test_hour__is_kept_whole_with_its_peaks_and_nothing_before_it() -> None:
    """A peak of one moment is in the curve, however seldom somebody looks."""
    ring = Ring()
    for second in range(7_200):
        ring.put(float(second), 99.0 if second == 5_000 else second / 7_200)
    points = ring.points(7_199.0)
    known = [point for point in points if point is not None]
    assert len(points) == len(known) == SLOTS
    assert known[0].at == 3_600
    assert max(point.most for point in known) == 99
    assert [point.at for point in known if point.most == 99] == [5_000]
    trend = ring.points(7_199.0, 30)
    assert max(point.most for point in trend if point is not None) == 99


def test_gap__stays_a_gap() -> None:
    ring = Ring()
    ring.put(5.0, 1.0)
    ring.put(905.0, 2.0)
    points = ring.points(909.0)
    assert [point.last for point in points if point is not None] == [1.0, 2.0]
    between = points[-90:-1]
    assert all(point is None for point in between)
    # much later nothing of it is left
    ring.put(100_000.0, 3.0)
    assert [point.last for point in ring.points(100_001.0) if point is not None] == [3.0]
    # and what comes that late changes nothing
    ring.put(10.0, 4.0)
    assert [point.last for point in ring.points(100_001.0) if point is not None] == [3.0]


@pytest.mark.parametrize("seed", range(20))
def test_ring__tells_what_a_plain_list_would(seed: int) -> None:
    chance = random.Random(seed)
    ring, told = Ring(), []
    now = chance.uniform(0, 1e6)
    for _ in range(400):
        now += chance.choice([0.0, 0.3, 5.0, 12.0, 60.0, 500.0]) * chance.random()
        at = max(0.0, now - chance.choice([0.0, 0.0, 1.0, 30.0]))
        value = chance.uniform(-10, 10)
        ring.put(at, value)
        told.append((at, value))
    for count in (SLOTS, 30, 1):
        width = STEP_S * SLOTS / count
        for point in ring.points(now, count):
            if point is None:
                continue
            inside = [value for at, value in told if point.at <= at < point.at + width]
            assert point.least >= min(inside)
            assert point.most <= max(inside)
            if count == SLOTS:
                assert (point.least, point.most, point.last) == (
                    min(inside),
                    max(inside),
                    inside[-1],
                )


def test_memory__of_a_value_is_the_same_after_a_minute_and_after_a_week() -> None:
    def bytes_of(ring: Ring) -> int:
        return sum(sys.getsizeof(getattr(ring, name)) for name in ("_least", "_most", "_last"))

    ring = Ring()
    ring.put(1.0, 1.0)
    first = bytes_of(ring)
    for second in range(0, 7 * 86_400, 7):
        ring.put(float(second), 1.0)
    assert bytes_of(ring) == first < 10_000
