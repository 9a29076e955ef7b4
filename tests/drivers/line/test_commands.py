"""What a device is told and answers, as its operator has written it."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from robotq.drivers.base import DriverError, LinkLost, LinkState, Stopped, UncertainOutcome
from robotq.model.task import Command
from robotq.testing.driver_contract import Execution
from tests.drivers.line.bench import Bench, Scripted, eventually
from tests.drivers.line.conftest import Make
from tests.drivers.line.pump import OPTIONS as PUMP
from tests.drivers.line.pump import Pump


def commands(**told: Any) -> dict[str, Any]:
    return {"commands": told}


# -- results -----------------------------------------------------------------------------------


def test_result__has_the_groups_with_their_types_and_what_is_calculated(bench: Make) -> None:
    device = bench(
        Scripted(READ="R +1.250E+1 0042 on"),
        {
            "values": {"factor": 2},
            "types": {"mass_g": "number"},
            **commands(
                READ={
                    "send": "READ",
                    "reads": True,
                    "expect": r"R (?P<mass_g>\S+) (?P<serial>\d+) (?P<_rest>.*)",
                    "result": {"double_g": "mass_g * values.factor"},
                }
            ),
        },
    ).connected()
    assert device.do("READ") == {"mass_g": 12.5, "serial": "0042", "double_g": 25.0}


@pytest.mark.parametrize("said", ["R nan", "R 1_0", "R inf", "R 1e999", "R \xb2", "R 1,5", "R "])
def test_number__that_is_none_is_no_result(bench: Make, said: str) -> None:
    read = {"send": "READ", "reads": True, "expect": "R ?(?P<x>.*)", "types": {"x": "number"}}
    device = bench(Scripted(READ=said), {"encoding": "latin-1", **commands(READ=read)}).connected()
    with pytest.raises(DriverError, match="expected a number"):
        device.do("READ")


def test_error__of_the_device_is_certain_and_in_its_words(bench: Make) -> None:
    go = {"send": "GO", "expect": "OK", "error": {r"ERR (?P<code>\d)": "it says error {code}"}}
    device = bench(Scripted(GO="ERR 7"), commands(GO=go)).connected()
    with pytest.raises(DriverError, match="it says error 7"):
        device.do("GO")


def test_busy__device_is_told_again(bench: Make) -> None:
    go = {"send": "GO", "expect": "OK", "busy": ["BUSY"], "answer_s": 5}
    device = bench(
        Scripted(GO=["BUSY", "BUSY", "OK"]), {"busy_s": 0.01, **commands(GO=go)}
    ).connected()
    assert device.do("GO") == {}
    assert device.heard("GO") == 3


def test_busy__for_ever_is_a_failure(bench: Make) -> None:
    go = {"send": "GO", "expect": "OK", "busy": ["BUSY"], "answer_s": 0.1}
    device = bench(Scripted(GO="BUSY"), {"busy_s": 0.01, **commands(GO=go)}).connected()
    with pytest.raises(DriverError, match="busy"):
        device.do("GO")


def test_pending__answer_is_not_the_one_that_counts(bench: Make) -> None:
    def answer(text: str) -> Any:
        return ["C B", "C A"] if text == "C" else Scripted()(text)

    go = {"send": "C", "expect": "C A", "pending": ["C B"]}
    device = bench(answer, commands(GO=go)).connected()
    assert device.do("GO") == {}


def test_check__that_the_device_has_taken_a_value(bench: Make) -> None:
    heat = {
        "params": {"temp_c": {"min": 0, "max": 300}},
        "do": [
            {"send": "SET {params.temp_c:.1f}"},
            {
                "send": "SP",
                "reads": True,
                "expect": "(?P<setpoint_c>.*)",
                "types": {"setpoint_c": "number"},
                "check": "setpoint_c == params.temp_c",
                "otherwise": "it did not take the temperature",
            },
        ],
    }
    device = bench(Scripted(SP="90.0"), commands(HEAT=heat)).connected()
    with pytest.raises(DriverError, match="did not take"):
        device.do("HEAT", temp_c=120)
    assert device.do("HEAT", temp_c=90) == {"setpoint_c": 90.0}


def test_error_queue__is_asked_after_each_command(bench: Make) -> None:
    errors = ["+0", "-222,Data out of range", "-113,Undefined", "+0"]
    device = bench(
        Scripted(**{"ERR?": lambda _: errors.pop(0) if len(errors) > 1 else errors[0]}),
        {
            "error_query": {"send": "ERR?", "none": r"\+?0.*"},
            **commands(SET={"send": "VOLT 99"}),
        },
    ).connected()
    with pytest.raises(DriverError, match=r"-222,Data out of range; -113,Undefined"):
        device.do("SET")
    assert device.do("SET") == {}


def test_error_queue__from_before_the_link_is_nobodys(bench: Make) -> None:
    errors = ["-100,Old", "0"]
    device = bench(
        Scripted(**{"ERR?": lambda _: errors.pop(0) if len(errors) > 1 else errors[0]}),
        {"error_query": {"send": "ERR?", "none": "0"}, **commands(SET={"send": "VOLT 9"})},
    ).connected()
    assert device.do("SET") == {}


def test_error_queue__is_emptied_after_a_failure_too(bench: Make) -> None:
    errors = ["0"]
    say = {"send": "SET", "expect": "(?P<x>.*)", "check": "x == 'yes'", "otherwise": "not taken"}
    device = bench(
        Scripted(SET=["no", "yes"], **{"ERR?": lambda _: errors.pop(0) if errors[1:] else "0"}),
        {"error_query": {"send": "ERR?", "none": "0"}, **commands(SET=say)},
    ).connected()
    errors[:] = ["-222,Data out of range", "0"]
    with pytest.raises(DriverError, match="not taken; -222"):
        device.do("SET")
    assert device.do("SET") == {"x": "yes"}, "the next command is not blamed for it"


def test_error_queue__is_emptied_after_a_query_too(bench: Make) -> None:
    errors = ["0"]
    device = bench(
        Scripted(**{"ERR?": lambda _: errors.pop(0) if errors[1:] else "0", "V?": "5"}),
        {
            "error_query": {"send": "ERR?", "none": "0"},
            **commands(
                V={"send": "V?", "reads": True, "query": True, "expect": ".*"},
                SET={"send": "SET", "reads": True},
            ),
        },
    ).connected()
    errors[:] = ["-350,Queue overflow", "0"]
    with pytest.raises(DriverError, match="-350"):
        device.driver.immediate(Command(cmd_type="V"))
    assert device.do("SET") == {}, "the next command is not blamed for it"


def test_error_queue__of_a_command_is_not_emptied_by_a_query(bench: Make) -> None:
    errors = ["0"]
    done: list[str] = []
    go = {
        "send": "GO",
        "expect": "OK",
        "poll": {"send": "P?", "expect": "[01]", "until": "1", "every_s": 0.01},
    }
    device = bench(
        Scripted(
            **{
                "ERR?": lambda _: errors.pop(0) if errors[1:] else "0",
                "GO": "OK",
                "V?": "5",
                "P?": lambda _: "1" if done else "0",
            }
        ),
        {
            "error_query": {"send": "ERR?", "none": "0"},
            **commands(GO=go, V={"send": "V?", "reads": True, "query": True, "expect": ".*"}),
        },
    ).connected()
    execution = Execution(device.driver, Command(cmd_type="GO"), task_id="t").moving()
    errors[:] = ["-222,Data out of range", "0"]
    assert device.driver.immediate(Command(cmd_type="V")) == {}
    done.append("done")
    error = execution.ended().error
    assert isinstance(error, DriverError)
    assert "-222" in str(error)


def test_line__to_which_the_device_says_nothing_is_not_done_before_it_is_alive(bench: Make) -> None:
    device = bench(
        Scripted(), {"resync": {"quiet_s": 0.01, "wait_s": 0.2}, **commands(SET={"send": "SET 1"})}
    ).connected()
    assert device.do("SET") == {}
    assert device.wire.heard[-2:] == ["SET 1", "ID?"]
    device.wire.lost = lambda _: True
    with pytest.raises(UncertainOutcome):
        device.do("SET")


# -- on the wire -------------------------------------------------------------------------------


def summed(text: str) -> str:
    return f"{text}*{sum(text.encode()) % 256:02X}"


def test_address_and_checksum__stand_around_each_line(bench: Make) -> None:
    answers = {summed("#07ID?"): "07ID D1", summed("#07GO"): "07OK"}
    # two devices are on this wire, and the other one talks too
    device = bench(
        lambda text: [summed("08OK"), summed(answers[text])],
        {
            "address": "07",
            "frame": {
                "send": "#{address}{line}*{checksum}",
                "receive": r"{address}(?P<line>.*)\*(?P<checksum>[0-9A-F]{2})",
            },
            "checksum": {"algorithm": "sum", "mark": "*"},
            **commands(GO={"send": "GO", "expect": "OK"}),
        },
    ).connected()
    assert device.do("GO") == {}
    assert device.wire.heard[-1] == summed("#07GO")


def test_damaged_answer__is_none(bench: Make) -> None:
    options = {
        "frame": {"receive": "(?P<line>.*),(?P<checksum>..)", "send": "{line},{checksum}"},
        "checksum": {"algorithm": "xor", "mark": ","},
        **commands(READ={"send": "READ", "reads": True, "expect": "(?P<x>.*)"}),
    }
    right = {"ID?": "ID D1,%02X" % (0x49 ^ 0x44 ^ 0x20 ^ 0x44 ^ 0x31), "READ": "5,36"}
    device = bench(lambda text: right.get(text.split(",")[0]), options).connected()
    with pytest.raises(DriverError, match="no answer"):
        device.do("READ")
    right["READ"] = "5,35"
    assert device.do("READ") == {"x": "5"}


def test_another_device__gets_nothing_but_the_question_who_it_is(bench: Make) -> None:
    pump = Pump()
    device = bench(pump, PUMP).connected()
    device.wire.unplug()
    pump.serial = "P2"
    eventually(lambda: device.driver.status().link is LinkState.DISCONNECTED)
    device.wire.plug_in()
    device.wire.heard.clear()
    with pytest.raises(LinkLost, match="another machine"):
        device.driver.connect()
    assert set(device.wire.heard) == {"ID?"}


def test_identity__of_the_configuration_is_compared(bench: Make) -> None:
    device = bench(Pump("P7"), {**PUMP, "identity": "P8"})
    with pytest.raises(LinkLost, match="P7"):
        device.driver.connect()


def test_restart__in_a_command_is_told_as_that(bench: Make) -> None:
    pump = Pump()
    device = bench(pump, {**PUMP, "restarted": "PUMP V2 READY"}).connected()
    execution = pumping(device, pump)
    device.wire.say("PUMP V2 READY")
    error = execution.ended().error
    assert isinstance(error, UncertainOutcome)
    assert error.cause == "device_reset"
    eventually(lambda: device.links)
    assert device.links[-1][0] is LinkState.DISCONNECTED


# -- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "volume", [-0.001, 5_000.001, 1e30, "12", True, None, [1], float("nan"), float("inf")]
)
def test_value__out_of_its_limits_is_refused_before_anything_is_sent(
    bench: Make, volume: Any
) -> None:
    device = bench(Pump(), PUMP).connected()
    device.wire.heard.clear()
    with pytest.raises(DriverError) as told:
        device.do("PUMP", volume_ml=volume)
    assert told.value.code == "bad_parameter"
    assert told.value.args_["field"] == "params.volume_ml"
    assert device.wire.heard == []


def test_limits__of_the_robot_are_tighter(bench: Make) -> None:
    device = bench(Pump(), {**PUMP, "limits": {"volume_ml": {"max": 2}}}).connected()
    with pytest.raises(DriverError, match="0 to 2"):
        device.do("PUMP", volume_ml=3)
    assert device.do("PUMP", volume_ml=0.1) == {}


@pytest.mark.parametrize("text", ["A\rOFF", "A\nB", "A\x00", "\x18", "Ä"])
def test_text__never_ends_its_line(bench: Make, text: str) -> None:
    say = {"params": {"text": {"type": "text", "pattern": "(?s).*"}}, "send": "SAY {params.text}"}
    device = bench(Scripted(), commands(SAY=say)).connected()
    device.wire.heard.clear()
    with pytest.raises(DriverError) as told:
        device.do("SAY", text=text)
    assert told.value.code == "bad_parameter"
    assert device.wire.heard == []


# -- stops -------------------------------------------------------------------------------------


def pumping(device: Bench, pump: Pump) -> Execution:
    command = Command(cmd_type="PUMP", params={"volume_ml": 900})
    execution = Execution(device.driver, command, task_id="task_pump")
    eventually(lambda: pump.moves_now)
    return execution


def test_stop__brings_the_device_to_its_safe_state_and_hears_that_from_it(bench: Make) -> None:
    pump = Pump()
    device = bench(pump, PUMP).connected()
    execution = pumping(device, pump)
    device.driver.stop()
    assert isinstance(execution.ended().error, Stopped)
    assert not pump.moves_now
    assert device.driver.status().details["safe_state"] == "confirmed"


def test_stop__of_which_the_device_says_nothing_is_not_told_as_one(bench: Make) -> None:
    pump = Pump()
    device = bench(pump, PUMP).connected()
    execution = pumping(device, pump)
    device.wire.lost = lambda _: True
    device.driver.stop()
    error = execution.ended().error
    assert isinstance(error, UncertainOutcome)
    assert error.cause == "stop_unconfirmed"
    assert "not confirmed" in str(device.driver.safe_state)  # type: ignore[attr-defined]


def test_stop__while_an_answer_is_late_does_not_take_it_for_its_own(bench: Make) -> None:
    pump = Pump()
    device = bench(pump, PUMP).connected()
    execution = pumping(device, pump)
    # `0` would say that it stands, and comes from before the stop
    device.wire.delay_s = lambda line: 0.1 if line in {"BUSY?", "HALT"} else 0.0
    device.driver.stop()
    assert isinstance(execution.ended().error, Stopped)
    device.wire.delay_s = lambda _: 0.0
    assert device.do("PUMP", volume_ml=1) == {}
    assert not pump.moves_now


def test_emergency_stop__without_a_link_says_that_it_was_not_sent(bench: Make) -> None:
    pump = Pump()
    device = bench(pump, PUMP).connected()
    execution = pumping(device, pump)
    device.wire.unplug()
    execution.ended()
    with pytest.raises(LinkLost):
        device.driver.emergency_stop()
    assert pump.moves_now
    device.wire.heard.clear()
    device.wire.plug_in()
    device.driver.connect()
    assert device.wire.heard[0] == "HALT", "the stop comes before everything else"
    assert not pump.moves_now


def test_emergency_stop__without_a_command_is_confirmed_by_the_device(bench: Make) -> None:
    device = bench(Scripted(), {}).connected()
    device.driver.emergency_stop()
    assert device.driver.status().details["safe_state"] == "confirmed"
    assert device.heard("OFF") == 2


def test_emergency_stop__that_the_device_does_not_confirm_is_told(bench: Make) -> None:
    device = bench(Scripted(OFF="NO"), {"safe_state": [{"send": "OFF", "expect": "OK"}]})
    device.connected()
    with pytest.raises(DriverError, match="confirmed"):
        device.driver.emergency_stop()
    assert "not confirmed" in device.driver.status().details["safe_state"]


def test_stop__of_a_command_that_only_asks_switches_nothing_off(bench: Make) -> None:
    device = bench(Pump(), PUMP).connected()
    device.wire.lost = lambda line: line == "VOL?"
    execution = Execution(device.driver, Command(cmd_type="MEASURE"), task_id="t")
    eventually(lambda: device.heard("VOL?"))
    device.driver.stop()
    assert isinstance(execution.ended().error, Stopped)
    assert device.heard("HALT") == 0


def test_nothing_begins__after_the_stop_is_told(bench: Make) -> None:
    two = {"do": [{"send": "FLUSH", "expect": "OK"}, {"send": "GO 900", "expect": "OK"}]}
    for delay_s in (0.0, 0.001, 0.01, 0.03):
        pump = Pump()
        device = bench(pump, {**PUMP, "commands": {"BOTH": two}}).connected()
        device.wire.delay_s = lambda _: 0.01
        execution = Execution(device.driver, Command(cmd_type="BOTH"), task_id="t")
        time.sleep(delay_s)
        stopping = threading.Thread(target=device.driver.stop)
        stopping.start()
        stopping.join()
        moves = pump.moves
        error = execution.ended().error
        assert error is None or isinstance(error, Stopped)
        if isinstance(error, Stopped):
            assert pump.moves == moves
            assert not pump.moves_now
        pump("HALT")
