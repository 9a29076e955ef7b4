"""Commands of a SiLA 2 server: how an execution goes, ends, is stopped, and is asked for."""

from __future__ import annotations

import time
import uuid

import pytest
from msgspec.structs import replace

from robotq.drivers.base import (
    DriverError,
    LinkLost,
    LinkState,
    Stopped,
    UncertainOutcome,
    UnknownCommand,
    WrongDevice,
)
from robotq.drivers.settling import RunState, Settles, UnsettledRun
from robotq.model.task import Command
from robotq.testing.driver_contract import Execution, RecordingContext
from tests.drivers.sila.conftest import MakeSite
from tests.drivers.sila.site import BATTERY, MOVE, MOVER, Site, until

# each starts a server, which takes half a second of a processor
pytestmark = [
    pytest.mark.slow,
    pytest.mark.wall("the server is a process of its own, which waits by the wall"),
]

LONG = Command(cmd_type="MOVE", params={"steps": 3_000, "step_s": 0.01})


def begun(site: Site, command: Command = LONG) -> Execution:
    before = site.steps()
    execution = Execution(site.driver, command, task_id="task_long")
    until(lambda: site.steps() > before + 2 and execution.context.run is not None)
    return execution


def settled(site: Site, run: UnsettledRun) -> RunState:
    assert isinstance(site.driver, Settles)
    return site.driver.settle(run, RecordingContext(task_id=run.task_id)).state


def test_execution__is_begun_once_and_tells_progress_steps_and_result(site: Site) -> None:
    assert site.do("MOVE", steps=4, step_s=0.1, place="SHELF") == {"travelled": 4}
    assert site.starts() == 1
    assert site.log()[1].endswith(" SHELF")
    context = site.context
    assert context.places == [None, "SHELF"]
    assert context.fractions[-1] == 1.0
    assert context.fractions == sorted(context.fractions)
    # the last ones may come behind the end
    assert "step 2" in [name for name, _ in context.steps]
    assert {"done": 2} in context.partials
    assert context.run is not None
    assert context.run.id == site.log()[1].split()[1]
    assert context.run.details["server"] == site.uuid
    assert context.run_begun


def test_execution__that_ends_with_an_error_has_failed_with_its_reason(site: Site) -> None:
    with pytest.raises(DriverError, match="Lost: no map"):
        site.do("MOVE", place="NOWHERE")


def test_execution__whose_result_is_not_what_was_meant_has_failed(make_site: MakeSite) -> None:
    site = make_site({"commands": {"MOVE": {**MOVE, "check": "response.Travelled == 99"}}})
    site.driver.connect()
    with pytest.raises(DriverError, match="it stopped on the way"):
        site.do("MOVE")


def test_params__that_the_server_refuses_begin_nothing(make_site: MakeSite) -> None:
    """The server's own limit is tighter than that of the options."""
    params = {**MOVE["params"], "steps": {"type": "integer", "default": 3}}
    wrong = {**MOVE, "parameters": {"Steps": 3, "Speed": 1}}
    site = make_site({"commands": {"MOVE": {**MOVE, "params": params}, "WRONG": wrong}})
    site.driver.connect()
    for steps in (0, 10_001):
        with pytest.raises(DriverError) as caught:
            site.do("MOVE", steps=steps)
        assert caught.value.code == "bad_parameter"
    with pytest.raises(DriverError, match="the server knows no Speed"):
        site.do("WRONG")
    assert site.starts() == 0


def test_command__that_is_not_observable_is_called_once(site: Site) -> None:
    assert site.do("GRIP", closed=1) == {"Held": True}
    with pytest.raises(DriverError, match="nothing between its fingers"):
        site.do("GRIP", closed=0)
    assert [line for line in site.log() if line.startswith("grip")] == ["grip True", "grip False"]


def test_command__that_gives_no_answer_in_time_is_uncertain(make_site: MakeSite) -> None:
    site = make_site({"answer_s": 0.05})
    site.driver.connect()
    with pytest.raises(UncertainOutcome, match="gave no answer in time") as caught:
        site.do("GRIP", closed=0)
    assert caught.value.cause == "answer_lost"


def test_query__reads_a_property_also_while_a_command_runs(site: Site) -> None:
    execution = begun(site)
    assert site.driver.immediate(Command(cmd_type="BATTERY")) == {"value": 0.8}
    site.driver.stop()
    execution.ended()


def test_requires__is_looked_at_before_anything_is_sent(make_site: MakeSite) -> None:
    full = {
        "feature": MOVER,
        "property": "BatteryLevel",
        "check": "value > 0.9",
        "otherwise": "the battery is nearly empty",
    }
    site = make_site({"commands": {"MOVE": {**MOVE, "requires": [full]}}})
    site.driver.connect()
    with pytest.raises(DriverError, match="the battery is nearly empty"):
        site.do("MOVE")
    assert site.starts() == 0


def test_part__that_the_server_lacks_is_told_and_its_command_fails(make_site: MakeSite) -> None:
    site = make_site({"commands": {"FLY": {"feature": MOVER, "command": "Fly"}, "B": BATTERY}})
    site.driver.connect()
    assert site.driver.status().details["missing"] == [f"FLY: {MOVER} has no Fly"]
    with pytest.raises(DriverError, match="has no Fly"):
        site.do("FLY")
    with pytest.raises(UnknownCommand, match="it can do FLY, B"):
        site.do("RUN")


# -- stopping -------------------------------------------------------------------------------------


@pytest.mark.real_time("that nothing moves after the stop shows after a moment only")
def test_stop__cancels_the_execution(site: Site) -> None:
    execution = begun(site)
    assert site.driver.capabilities.stop_out_of_band
    site.driver.stop()
    assert isinstance(execution.ended().error, Stopped)
    done = site.steps()
    time.sleep(0.1)
    assert site.steps() == done
    assert list(site.ends().values()) == ["cancelled"]
    assert settled(site, execution.context.unsettled(LONG)) is RunState.FAILED


def test_stop__at_a_server_without_cancel_waits_and_says_so(make_site: MakeSite) -> None:
    site = make_site(None, "no_cancel")
    site.driver.connect()
    assert not site.driver.capabilities.stop_out_of_band
    assert "robotq cannot stop it" in site.driver.status().details["cannot_stop"]
    execution = begun(site, Command(cmd_type="MOVE", params={"steps": 30, "step_s": 0.05}))
    with pytest.raises(DriverError, match="offers no cancel"):
        site.driver.stop()
    with pytest.raises(DriverError, match="offers no cancel"):
        site.driver.emergency_stop()
    # it is not called stopped before it stands, and not stopped at all where it came to its end
    assert not execution.over
    assert execution.ended().result == {"travelled": 30}
    assert list(site.ends().values()) == ["done"]
    with pytest.raises(Stopped):
        site.do("MOVE")


def test_stop__is_the_servers_own_where_the_site_has_written_one(make_site: MakeSite) -> None:
    site = make_site({"stop": [{"feature": MOVER, "command": "Abort"}]}, "no_cancel")
    site.driver.connect()
    execution = begun(site)
    assert site.driver.capabilities.stop_out_of_band
    site.driver.stop()
    assert isinstance(execution.ended().error, Stopped)
    assert "abort" in site.log()


@pytest.mark.parametrize("words", [("deaf",), ("deaf", "no_cancel")])
def test_stop__that_came_to_nothing_is_sent_again(
    make_site: MakeSite, words: tuple[str, ...]
) -> None:
    """The first may come before the motion that it is for."""
    site = make_site({"stop": [{"feature": MOVER, "command": "Abort"}]}, *words)
    site.driver.connect()
    execution = begun(site)
    site.driver.stop()
    assert isinstance(execution.ended().error, Stopped)
    assert list(site.ends().values()) == ["cancelled"]


def test_stop__that_the_server_refuses_is_told(make_site: MakeSite) -> None:
    site = make_site(None, "refuses")
    site.driver.connect()
    execution = begun(site)
    with pytest.raises(DriverError, match="refuses to cancel: OperationNotSupported"):
        site.driver.emergency_stop()
    assert "OperationNotSupported" in site.driver.status().details["stop_refused"]
    assert not execution.over
    site.die()
    assert isinstance(execution.ended().error, LinkLost)


def test_emergency_stop__while_the_link_is_away_comes_first_at_the_next(site: Site) -> None:
    execution = begun(site)
    site.cable.pull()
    assert isinstance(execution.ended().error, LinkLost)
    with pytest.raises(LinkLost):
        site.driver.emergency_stop()
    assert site.ends() == {}
    site.cable.out = False
    until(lambda: _connects(site))
    until(lambda: list(site.ends().values()) == ["cancelled"])


# -- the link, and who is at its other end --------------------------------------------------------


def test_link__that_is_cut_while_nothing_runs_is_told(site: Site) -> None:
    site.cable.pull()
    until(lambda: bool(site.links))
    assert site.links[-1][0] is LinkState.DISCONNECTED
    assert site.driver.status().link is LinkState.DISCONNECTED


def test_server__with_another_uuid_is_another_machine(site: Site) -> None:
    first = site.uuid
    site.serve(server_uuid=str(uuid.uuid4()))
    until(lambda: bool(site.links))
    with pytest.raises(WrongDevice, match=first):
        _connects(site, WrongDevice)
    # a person has looked at it
    _accept(site)
    until(lambda: _connects(site))


def test_server__that_is_not_the_configured_one_gets_no_command(make_site: MakeSite) -> None:
    site = make_site({"server_uuid": str(uuid.uuid4())})
    with pytest.raises(WrongDevice, match="it is another machine"):
        site.driver.connect()
    with pytest.raises(LinkLost):
        site.do("MOVE")
    assert site.starts() == 0


# -- what became of it ----------------------------------------------------------------------------


def test_settle__has_the_result_of_what_ended_while_nobody_looked(site: Site) -> None:
    command = Command(cmd_type="MOVE", params={"steps": 30, "step_s": 0.02})
    execution = begun(site, command)
    site.cable.pull()
    assert isinstance(execution.ended().error, LinkLost)
    until(lambda: bool(site.ends()))
    site.cable.out = False
    until(lambda: _connects(site))
    assert isinstance(site.driver, Settles)
    answer = site.driver.settle(execution.context.unsettled(command), RecordingContext())
    assert (answer.state, dict(answer.result)) == (RunState.COMPLETED, {"travelled": 30})
    assert site.starts() == 1


def test_settle__of_what_a_server_has_forgotten_is_unknown(site: Site) -> None:
    execution = begun(site)
    site.serve()
    assert isinstance(execution.ended().error, UncertainOutcome)
    until(lambda: _connects(site))
    assert settled(site, execution.context.unsettled(LONG)) is RunState.UNKNOWN


def test_settle__behind_the_time_for_which_a_server_keeps_it_is_unknown(
    make_site: MakeSite,
) -> None:
    site = make_site(None, "short_memory")
    site.driver.connect()
    site.do("MOVE")
    run = site.context.unsettled(Command(cmd_type="MOVE", params={}))
    assert settled(site, run) is RunState.COMPLETED
    until(lambda: settled(site, run) is RunState.UNKNOWN)


def test_settle__at_another_server_or_for_another_command_is_not_believed(site: Site) -> None:
    site.do("MOVE")
    run = site.context.unsettled(Command(cmd_type="MOVE", params={}))
    for key in ("server", "command", "feature"):
        details = {**run.at_device.details, key: "another"}
        other = UnsettledRun(
            task_id=run.task_id,
            attempt=1,
            command=run.command,
            at_device=replace(run.at_device, details=details),
        )
        with pytest.raises(UncertainOutcome):
            settled(site, other)
    assert settled(site, run) is RunState.COMPLETED


def test_tls__is_used_unless_somebody_has_switched_it_off(
    make_site: MakeSite, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("cryptography")
    folder = tmp_path_factory.mktemp("tls")
    ca = folder / "ca.pem"
    ca.touch()
    site = make_site({"insecure": False, "ca": str(ca)}, "tls", str(folder))
    site.driver.connect()
    assert site.do("MOVE") == {"travelled": 3}
    plain = {**site.options, "insecure": True}
    del plain["ca"]
    site.options = plain
    other = site.again()
    with pytest.raises(LinkLost):
        other.connect()
    other.close()


def _connects(site: Site, expected: type[Exception] | None = None) -> bool:
    """gRPC waits for a second before it tries an address again that refused."""
    try:
        site.driver.connect()
    except LinkLost as error:
        if expected is not None and isinstance(error, expected):
            raise
        return False
    return True


def _accept(site: Site) -> None:
    with pytest.raises(LinkLost):
        site.driver.emergency_stop()
    site.driver.reset()
