"""The devices that come with robotq, each at a simulator that somebody else has written."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import line
from robotq.drivers.base import DriverError, Stopped, UncertainOutcome
from robotq.drivers.line.options import read_options, ready_files
from robotq.model.task import Command
from robotq.testing.driver_contract import Execution, RecordingContext, driver_setup
from tests.drivers.line import theirs
from tests.drivers.line.bench import eventually
from tests.drivers.line.theirs import Theirs
from tests.drivers.line.wire import Wire


class Ready:
    """A ready file at the simulator of somebody else."""

    def __init__(self, tmp_path: Path, what: Theirs, options: dict[str, Any]) -> None:
        self.simulator, answer = what.made()
        self._one = threading.Lock()

        def one_at_a_time(text: str) -> Any:
            with self._one:
                return answer(text)

        self.wire = Wire(one_at_a_time, **dict(what.wire))
        given = {"port": self.wire.url, "device": what.device, **options}
        self.driver = line.create(driver_setup(tmp_path, given)[0])
        self.driver.connect()

    def do(self, cmd_type: str, **params: Any) -> Any:
        return self.driver.execute(Command(cmd_type=cmd_type, params=params), RecordingContext())

    def query(self, cmd_type: str) -> Any:
        return self.driver.immediate(Command(cmd_type=cmd_type, params={}))

    def begin(self, cmd_type: str, **params: Any) -> Execution:
        return Execution(self.driver, Command(cmd_type=cmd_type, params=params), task_id="t")

    def close(self) -> None:
        self.driver.close()
        self.wire.close()


Make = Callable[..., Ready]


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[Make]:
    made: list[Ready] = []

    def make(what: Theirs, **options: Any) -> Ready:
        made.append(Ready(tmp_path, what, options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("name", ready_files())
def test_ready_file__is_right(name: str) -> None:
    options = read_options("robot_a", {"port": "COM3", "device": name})
    assert options.ready.programs
    for spec in options.brings.values():
        assert set(spec["title"]) == {"en", "zh"}


def test_ready_files__share_no_name_of_a_command() -> None:
    names = [
        cmd_type
        for name in ready_files()
        for cmd_type in read_options("r", {"port": "COM3", "device": name}).ready.programs
    ]
    assert len(names) == len(set(names))


def late(bench: Ready, what: Theirs, rounds: int, seed: int) -> tuple[int, int]:
    """Answers later than allowed: how many were told, and how many were those of another
    question. Each question would be answered with another value."""
    chance = random.Random(seed)
    told = wrong = 0
    bench.wire.delay_s = lambda _: chance.choice((0.0, 0.0, 0.0, 0.12, 0.2))
    for number in range(rounds):
        right = what.changes(bench.simulator, number + 1)
        try:
            found = bench.do(what.quick)[what.value]
        except DriverError:
            continue
        told += 1
        wrong += abs(found - right) > 1e-6
    return told, wrong


SHORT = {"answer_s": 0.1, "resync": {"quiet_s": 0.01, "wait_s": 2.0}}


def short(what: Theirs) -> dict[str, Any]:
    """The same file with little patience, so that a late answer need not be late by minutes."""
    device = read_options("r", {"port": "COM3", "device": what.device}).ready.device
    command = device.commands[what.quick]
    asked: dict[str, Any] = {"send": command.send, "expect": command.expect, "reads": True}
    if command.do:
        first = command.do[0]
        asked |= {"send": first.send, "expect": first.expect}
    return {**SHORT, "commands": {what.quick: {**asked, "result": dict(command.result)}}}


@pytest.mark.parametrize("what", theirs.ALL, ids=lambda what: what.package)
def test_late_answers__are_given_to_nobody(ready: Make, what: Theirs) -> None:
    told, wrong = late(ready(what, **short(what)), what, 12, 7)
    assert wrong == 0
    assert 0 < told < 12


@pytest.mark.long
@pytest.mark.parametrize("what", theirs.ALL, ids=lambda what: what.package)
def test_late_answers__of_two_hundred(ready: Make, what: Theirs) -> None:
    told, wrong = late(ready(what, **short(what)), what, 200, 200)
    assert (told > 40, wrong) == (True, 0)


# -- the balance -------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [theirs.METTLER, theirs.MTSICS], ids=lambda what: what.package)
def test_balance__weighs_and_tares(ready: Make, what: Theirs) -> None:
    bench = ready(what)
    what.changes(bench.simulator, 500)
    assert bench.do("WEIGH") == {"weight_g": 10.5, "shown": "10.5000 g"}
    assert bench.do("TARE")["tare_g"] == 10.5
    what.changes(bench.simulator, 1500)
    assert bench.do("WEIGH")["weight_g"] == 1.0
    told = bench.query("WEIGH_NOW")
    assert abs(told["weight_g"] - 1.0) < 0.01
    assert bench.do("CLEAR_TARE") == {}
    assert bench.do("WEIGH")["weight_g"] == 11.5


@pytest.mark.parametrize("what", [theirs.METTLER, theirs.MTSICS], ids=lambda what: what.package)
def test_balance__that_has_too_much_on_it(ready: Make, what: Theirs) -> None:
    bench = ready(what)
    what.changes(bench.simulator, 990_000)
    with pytest.raises(DriverError, match="too heavy"):
        bench.do("WEIGH")


def test_balance__in_another_unit(ready: Make) -> None:
    bench = ready(theirs.MTSICS)
    bench.simulator.config.unit, bench.simulator.config.capacity = "lb", 220.0
    bench.simulator.set_weight(2)
    with pytest.raises(DriverError):
        bench.do("WEIGH")


def test_balance__that_is_not_stable_waits_and_says_so(ready: Make) -> None:
    bench = ready(theirs.MTSICS, busy_s=0.02)
    bench.simulator.set_weight(0.1, stable=False)
    execution = bench.begin("TARE")
    eventually(lambda: bench.wire.heard.count("T") > 2)
    bench.simulator.set_weight(0.1, stable=True)
    assert execution.ended().result == {"tare_g": 0.1, "shown": "0.1000 g"}


def test_balance__that_was_switched_on_again(ready: Make) -> None:
    bench = ready(theirs.METTLER)
    bench.wire.lost = lambda text: text == "T"
    execution = bench.begin("TARE")
    eventually(lambda: "T" in bench.wire.heard)
    bench.wire.say('I4 A "B123456789"')
    error = execution.ended().error
    assert isinstance(error, UncertainOutcome)
    assert error.cause == "device_reset"


# -- heater and stirrer ------------------------------------------------------------------------


def test_hotplate__heats_and_stirs_until_it_is_stopped(ready: Make) -> None:
    bench = ready(theirs.IKA)
    assert bench.do("HEAT", temperature_c=80)["setpoint_c"] == 80.0
    assert bench.do("STIR", speed_rpm=500)["setpoint_rpm"] == 500.0
    assert (bench.simulator.heating, bench.simulator.motor) == (True, True)
    bench.do("STOP_STIRRING")
    assert (bench.simulator.heating, bench.simulator.motor) == (True, False)
    bench.do("STOP_HEATING")
    assert not bench.simulator.heating
    assert set(bench.query("GET_HOTPLATE")) == {"temperature_c", "plate_c", "speed_rpm"}


def test_hotplate__waits_for_the_temperature(ready: Make) -> None:
    bench = ready(theirs.IKA)
    bench.simulator.time_scale = 600.0
    told = bench.do("HEAT_AND_WAIT", temperature_c=60, within_c=2)
    assert 57.9 < told["temperature_c"] < 62.1


def test_hotplate__that_does_not_take_a_temperature(ready: Make) -> None:
    bench = ready(theirs.IKA)
    bench.simulator.safety_temp_c = 100.0
    with pytest.raises(DriverError, match="safety circuit"):
        bench.do("HEAT", temperature_c=150)
    assert not bench.simulator.heating


@pytest.mark.parametrize("temperature", [-1, 300.1, 1000])
def test_hotplate__limits(ready: Make, temperature: float) -> None:
    bench = ready(theirs.IKA)
    bench.wire.heard.clear()
    with pytest.raises(DriverError) as told:
        bench.do("HEAT", temperature_c=temperature)
    assert (told.value.code, bench.wire.heard) == ("bad_parameter", [])


def test_hotplate__limits_of_a_site(ready: Make) -> None:
    bench = ready(theirs.IKA, limits={"temperature_c": {"max": 60}})
    with pytest.raises(DriverError, match="0 to 60"):
        bench.do("HEAT", temperature_c=61)


def test_hotplate__is_off_after_a_stop(ready: Make) -> None:
    bench = ready(theirs.IKA)
    bench.do("STIR", speed_rpm=300)
    execution = bench.begin("HEAT_AND_WAIT", temperature_c=200)
    eventually(lambda: bench.simulator.heating)
    bench.driver.stop()
    assert isinstance(execution.ended().error, Stopped)
    assert (bench.simulator.heating, bench.simulator.motor) == (False, False)
    assert bench.driver.status().details["safe_state"] == "confirmed"


def test_hotplate__is_off_after_an_emergency_stop_though_no_command_runs(ready: Make) -> None:
    bench = ready(theirs.IKA)
    bench.do("HEAT", temperature_c=200)
    bench.driver.emergency_stop()
    eventually(lambda: not bench.simulator.heating)


# -- the syringe pump --------------------------------------------------------------------------


def test_pump__takes_in_and_gives_out(ready: Make) -> None:
    bench = ready(theirs.CAVRO)
    with pytest.raises(DriverError, match="not initialised"):
        bench.do("ASPIRATE", volume_ul=100)
    bench.do("INITIALIZE_PUMP")
    bench.do("SWITCH_VALVE", port="I")
    bench.do("SET_PUMP_SPEED", speed_ul_s=1000)
    assert bench.do("ASPIRATE", volume_ul=400) == {"position_ul": 400.0}
    bench.do("SWITCH_VALVE", port="O")
    assert bench.do("DISPENSE", volume_ul=150) == {"position_ul": 250.0}
    assert bench.do("MOVE_PLUNGER", position_ul=0) == {"position_ul": 0.0}
    assert bench.query("GET_PUMP") == {"position_ul": 0.0}


def test_pump__says_that_the_syringe_is_too_small_and_goes_on(ready: Make) -> None:
    bench = ready(theirs.CAVRO)
    bench.do("INITIALIZE_PUMP")
    bench.do("ASPIRATE", volume_ul=800)
    # it answers ok, and the error comes with the question after it
    with pytest.raises(DriverError, match="beyond the end"):
        bench.do("ASPIRATE", volume_ul=400)
    assert bench.do("DISPENSE", volume_ul=100) == {"position_ul": 700.0}


def test_pump__that_is_blocked(ready: Make) -> None:
    bench = ready(theirs.CAVRO)
    bench.do("INITIALIZE_PUMP")
    bench.simulator.overload_next_move = True
    with pytest.raises(DriverError, match="overloaded"):
        bench.do("ASPIRATE", volume_ul=300)


@pytest.mark.parametrize("volume", [-5, 0, 1000.1, 1e9])
def test_pump__limits(ready: Make, volume: float) -> None:
    bench = ready(theirs.CAVRO)
    bench.wire.heard.clear()
    with pytest.raises(DriverError) as told:
        bench.do("ASPIRATE", volume_ul=volume)
    assert (told.value.code, bench.wire.heard) == ("bad_parameter", [])


def test_pump__stands_after_a_stop_and_knows_where(ready: Make) -> None:
    bench = ready(theirs.CAVRO)
    bench.do("INITIALIZE_PUMP")
    bench.do("SET_PUMP_SPEED", speed_ul_s=5)
    execution = bench.begin("ASPIRATE", volume_ul=900)
    eventually(lambda: bench.simulator._pos() > 50)
    bench.driver.stop()
    assert isinstance(execution.ended().error, Stopped)
    assert bench.driver.status().details["safe_state"] == "confirmed"
    stands = bench.query("GET_PUMP")
    assert 0 < stands["position_ul"] < 900
    assert bench.query("GET_PUMP") == stands


# -- the power supply --------------------------------------------------------------------------


def test_supply__gives_what_it_is_told_and_measures_it(ready: Make) -> None:
    bench = ready(theirs.SCPI)
    told = bench.do("SET_VOLTAGE", voltage_v=12.5, limit_a=1)
    assert told == {"voltage_v": 12.5, "limit_a": 1.0}
    assert bench.do("SWITCH_OUTPUT", output="ON") == {}
    eventually(lambda: abs(bench.do("MEASURE_VOLTAGE")["voltage_v"] - 12.5) < 0.01)
    assert abs(bench.do("MEASURE_CURRENT")["current_a"] - 0.125) < 0.01


def test_supply__has_its_errors_in_a_queue(ready: Make) -> None:
    bench = ready(theirs.SCPI, values={"most_v": 60})
    with pytest.raises(DriverError, match=r"did not take|-222"):
        bench.do("SET_VOLTAGE", voltage_v=45, limit_a=1)
    # the next command is not blamed for it
    assert bench.do("SET_VOLTAGE", voltage_v=5, limit_a=1)["voltage_v"] == 5.0


@pytest.mark.parametrize("volts", [-0.1, 30.001, 1e6])
def test_supply__limits(ready: Make, volts: float) -> None:
    bench = ready(theirs.SCPI)
    bench.wire.heard.clear()
    with pytest.raises(DriverError) as told:
        bench.do("SET_VOLTAGE", voltage_v=volts, limit_a=1)
    assert (told.value.code, bench.wire.heard) == ("bad_parameter", [])


def test_supply__is_off_after_a_stop(ready: Make) -> None:
    bench = ready(theirs.SCPI)
    bench.do("SET_VOLTAGE", voltage_v=12, limit_a=1)
    bench.wire.lost = lambda text: text == "*OPC?"
    execution = bench.begin("SWITCH_OUTPUT", output="ON")
    eventually(lambda: bench.simulator.output_on)
    bench.driver.stop()
    assert isinstance(execution.ended().error, Stopped)
    assert not bench.simulator.output_on


def test_supply__of_which_the_answer_is_lost_is_not_told_twice(ready: Make) -> None:
    bench = ready(theirs.SCPI, answer_s=0.2)
    bench.wire.lost = lambda text: text == "VOLT?"
    with pytest.raises(UncertainOutcome) as told:
        bench.do("SET_VOLTAGE", voltage_v=3, limit_a=1)
    assert told.value.cause == "answer_lost"
    assert bench.wire.heard.count("VOLT 3.0000") == 1
