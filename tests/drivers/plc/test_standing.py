"""A station that begins nothing says why, and somebody can clear it: an alarm, and a number whose
end the PLC has never told."""

from __future__ import annotations

from typing import Any

import pytest

from robotq.drivers.base import Driver, DriverError, NotReady
from robotq.model.task import Command
from robotq.testing.driver_contract import Execution
from tests.drivers.killed import until
from tests.drivers.plc.conftest import MakeDriver
from tests.drivers.plc.model import Kind
from tests.drivers.plc.site import Site
from tests.drivers.plc.world import World, starts


def ended(driver: Driver, goal: int) -> Any:
    """Its result, or what it has raised."""
    command = Command(cmd_type="MOVE", params={"goal": goal})
    done = Execution(driver, command, task_id="task_standing").ended()
    return done.error or done.result


def held(driver: Driver) -> str:
    status = driver.status()
    assert status.held is bool(status.held_because)
    return status.held_because


def alarm(site: Site, word: int) -> None:
    site.put("alarm", word)


@pytest.fixture
def left_open(make_driver: MakeDriver) -> tuple[Site, Driver]:
    """A PLC that stops for its alarm, and never writes the number of that command to done."""
    site, driver = make_driver("modbus", "numbered", stop_s=0.2)
    driver.connect()
    site.plc.tells_no_bad_end = True
    execution = Execution(
        driver, Command(cmd_type="MOVE", params={"goal": 1_000}), task_id="task_standing"
    )
    until(lambda: bool(site.plc.jobs))
    alarm(site, 4)
    error = execution.ended().error
    assert isinstance(error, DriverError), error
    assert "夹爪故障" in str(error)
    assert not site.plc.moves
    return site, driver


pytestmark = [
    pytest.mark.wall("the server of the PLC waits by the wall"),
    pytest.mark.real_time("what the PLC shows is seen after a moment only"),
]


def test_number__that_the_plc_never_answers_is_no_dead_end(
    left_open: tuple[Site, Driver],
) -> None:
    site, driver = left_open
    number = site.plc.nodes["start"]
    assert number != site.plc.nodes["done"]
    assert "夹爪故障: reset it at the PLC, then resume the motion" in held(driver)
    assert f"启动 is {number} and 完成 is 0" in held(driver)

    # neither a person, nor a command, gets past the alarm
    driver.resume()
    assert isinstance(ended(driver, 2), NotReady)
    assert "夹爪故障" in held(driver)

    # the alarm alone is no proof that the PLC does not go on with what it had
    alarm(site, 0)
    until(lambda: "it has gone" in held(driver))
    error = ended(driver, 2)
    assert isinstance(error, NotReady)
    assert f"启动 is {number}" in str(error)
    assert len(site.plc.jobs) == 1

    # a person has looked
    driver.resume()
    assert held(driver) == ""
    assert ended(driver, 2) == {"weight": 20}
    assert [job.ended for job in site.plc.jobs] == ["failed", "ok"]


def test_word__of_a_person_is_about_one_number_only(left_open: tuple[Site, Driver]) -> None:
    site, driver = left_open
    alarm(site, 0)
    until(lambda: "it has gone" in held(driver))
    driver.resume()
    # and then somebody else begins something
    site.put("goal", 1_000)
    site.put("start", 4_711)
    until(lambda: site.plc.moves)
    error = ended(driver, 2)
    assert isinstance(error, NotReady)
    assert "启动 is 4711" in str(error)
    assert not [job for job in site.plc.jobs if job.goal == 2]
    # its end lets the queue go on without a person
    site.plc.tells_no_bad_end = False
    site.put("stop", True)
    until(lambda: not site.plc.moves)
    until(lambda: held(driver) == "")
    assert ended(driver, 2) == {"weight": 20}


def test_number__left_open_before_a_start_of_robotq_is_told_and_cleared_too(
    left_open: tuple[Site, Driver],
) -> None:
    site, before = left_open
    before.close()
    alarm(site, 0)
    driver = site.again()
    driver.connect()
    assert held(driver) == ""
    error = ended(driver, 2)
    assert isinstance(error, NotReady)
    assert "see that the station stands" in held(driver)
    driver.resume()
    assert ended(driver, 2) == {"weight": 20}


@pytest.mark.parametrize("kind", ["pulse", "numbered"])
def test_alarm__while_nothing_runs_is_told_and_a_person_lets_it_go_on(
    make_driver: MakeDriver, kind: Kind
) -> None:
    site, driver = make_driver("modbus", kind)
    driver.connect()
    alarm(site, 4)
    until(lambda: "夹爪故障: reset it at the PLC" in held(driver))
    alarm(site, 0)
    until(lambda: "it has gone" in held(driver))
    # whoever resets it at the PLC may stand beside the machine
    driver.resume()
    assert held(driver) == ""
    assert len(site.plc.jobs) == 0


def test_alarm__of_a_site_where_the_plc_has_the_last_word(make_driver: MakeDriver) -> None:
    site, driver = make_driver("modbus", "numbered", after_alarm="go_on")
    driver.connect()
    alarm(site, 4)
    until(lambda: held(driver) == "夹爪故障: reset it at the PLC")
    alarm(site, 0)
    until(lambda: held(driver) == "")
    assert ended(driver, 2) == {"weight": 20}


def test_alarm__that_the_stop_bit_keeps_up_can_be_reset(make_driver: MakeDriver) -> None:
    """Nothing begins by that: there is no start bit that is high."""
    site, driver = make_driver("modbus", "pulse")
    driver.connect()
    driver.emergency_stop()
    until(lambda: site.plc.nodes["stop"])
    alarm(site, 4)
    until(lambda: held(driver) != "")
    driver.resume()
    assert site.plc.nodes["stop"], "an emergency stop is latched"
    driver.reset()
    driver.resume()
    until(lambda: not site.plc.nodes["stop"])
    assert "夹爪故障" in held(driver)


def test_stop_bit__stays_high_while_the_last_number_is_open() -> None:
    """The PLC may have kept that number for the moment in which the stop bit falls."""
    world = World("numbered", tells_no_bad_end=True)
    world.plc.nodes.update(start=5, stop=True)
    with pytest.raises(DriverError, match="not at its end"):
        world.run()
    assert world.plc.nodes["stop"]
    assert not starts(world)
