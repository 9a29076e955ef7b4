"""Speed profiles are trapezoids that a real axis could follow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotq.drivers.simulator.lab.layout import Axis
from robotq.drivers.simulator.motion import Profile

distances = st.floats(0.1, 50_000)
shares = st.floats(0, 1)
axes = st.builds(Axis, speed=st.floats(1, 2_000), acceleration=st.floats(1, 5_000))


def test_long_way__reaches_the_set_speed() -> None:
    profile = Profile.over(12_000, Axis(speed=300, acceleration=150))
    assert profile.peak == 300
    assert profile.duration == 12_000 / 300 + 300 / 150
    assert profile.travelled(1) == 75
    assert profile.speed(1) == 150
    assert profile.speed(20) == 300


def test_short_way__turns_from_speeding_up_to_slowing_down_in_the_middle() -> None:
    profile = Profile.over(100, Axis(speed=300, acceleration=100))
    assert profile.peak == 100
    assert profile.duration == 2
    assert profile.travelled(1) == 50


def test_no_way__takes_no_time() -> None:
    profile = Profile.over(0, Axis(speed=300, acceleration=100))
    assert (profile.duration, profile.travelled(0), profile.moment(0)) == (0, 0, 0)


@given(distances, axes, shares)
def test_moment__is_when_that_distance_has_been_travelled(
    distance: float, axis: Axis, share: float
) -> None:
    profile = Profile.over(distance, axis)
    assert profile.travelled(profile.moment(distance * share)) == pytest.approx(
        distance * share, abs=1e-6 * distance
    )


@given(distances, axes, shares, shares)
def test_way__never_goes_back_nor_faster_than_set(
    distance: float, axis: Axis, one: float, other: float
) -> None:
    profile = Profile.over(distance, axis)
    early, late = sorted((one * profile.duration, other * profile.duration))
    way = profile.travelled(late) - profile.travelled(early)
    assert -1e-9 * distance <= way <= axis.speed * (late - early) * (1 + 1e-9) + 1e-9 * distance


@given(distances, axes, shares)
def test_braking__begun_at_any_moment_ends_before_the_end(
    distance: float, axis: Axis, share: float
) -> None:
    profile = Profile.over(distance, axis)
    at = share * profile.duration
    braking = profile.braking(at)
    way = profile.travelled(at) + profile.braked(at, braking)
    assert way <= distance * (1 + 1e-6)
    assert braking <= profile.ramp * (1 + 1e-6)
    assert profile.braked(at, braking / 2) >= profile.braked(at, braking) / 2


@given(st.floats(0.01, 600), axes)
def test_lasting__takes_the_given_time(seconds: float, axis: Axis) -> None:
    assert Profile.lasting(seconds, axis).duration == pytest.approx(seconds)
    assert Profile.lasting(seconds, axis).peak <= axis.speed


@given(distances, axes, st.floats(0.5, 10))
def test_slowed__goes_the_same_way_in_that_many_times_the_time(
    distance: float, axis: Axis, factor: float
) -> None:
    profile = Profile.over(distance, axis)
    slowed = profile.slowed(factor)
    assert slowed.distance == distance
    assert slowed.duration == pytest.approx(profile.duration * factor)


@given(distances, axes, shares)
def test_rest__is_what_is_left_of_the_way(distance: float, axis: Axis, share: float) -> None:
    rest = Profile.over(distance, axis).rest(distance * share)
    assert rest.distance == pytest.approx(distance * (1 - share), abs=1e-6 * distance)
