"""Whether it is known where the robot stands: what has made it unknown is never passed over."""

from __future__ import annotations

from robotq.drivers.gcode.position import Position


def test_position__that_nothing_has_befallen_is_known_and_not_homed() -> None:
    position = Position()

    assert not position.why_lost
    assert not position.homed


def test_first_reason__is_told_and_a_home_ends_it() -> None:
    position = Position()
    position.forget("the controller has started anew")
    position.forget("the link was lost meanwhile")
    assert position.why_lost == "the controller has started anew"

    position.reached_home(position.mark())

    assert not position.why_lost
    assert position.homed


def test_alarm__is_told_before_what_came_first() -> None:
    position = Position()
    position.forget("the link was lost meanwhile")
    position.forget("ALARM:1, a limit switch was hit", first=True)

    assert position.why_lost == "ALARM:1, a limit switch was hit"


def test_emergency_stop__while_the_robot_comes_home_still_counts_when_it_is_there() -> None:
    position = Position()
    position.unhome()
    begun = position.mark()
    position.forget("of an emergency stop")
    position.unhome()

    position.reached_home(begun)

    assert position.why_lost == "of an emergency stop"
    assert not position.homed


def test_link_lost__while_a_person_takes_the_position_for_known_still_counts() -> None:
    position = Position()
    position.forget("the controller has started anew")
    begun = position.mark()
    position.forget("the link was lost meanwhile")

    position.take_as_known(begun)

    assert position.why_lost == "the link was lost meanwhile"


def test_reasons__are_bounded_and_one_of_many_is_enough() -> None:
    position = Position()
    for number in range(1000):
        position.forget(f"reason {number}")

    assert position.why_lost
    position.take_as_known(position.mark())
    assert not position.why_lost
