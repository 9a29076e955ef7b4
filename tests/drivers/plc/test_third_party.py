"""mbpoll, a master of Modbus that somebody else has written, and robotq mean the same by an
address, the order of words and a number."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest

from robotq.model.task import Command
from robotq.testing.driver_contract import Execution
from tests.drivers.plc.conftest import PlcSites

pytestmark = [
    pytest.mark.slow,
    pytest.mark.wall("the server of the PLC waits by the wall"),
    pytest.mark.skipif(shutil.which("mbpoll") is None, reason="mbpoll of Debian is not installed"),
]
_WEIGHT, _BOOT, _GOAL = 40, 90, 30


def mbpoll(*arguments: str, values: tuple[str, ...] = ()) -> str:
    # -0: addresses from 0; -1: one look, which a write does not take
    looks = [] if values else ["-1", "-c", "1"]
    line = ["mbpoll", "-0", "-q", "-a", "1", *looks, *arguments, *values]
    # the answer to what the last master has asked may come, and mbpoll takes it: so again
    said = ""
    for _ in range(3):
        done = subprocess.run(line, capture_output=True, text=True, timeout=20, check=False)
        if done.returncode == 0:
            return done.stdout
        said += done.stdout + done.stderr
    raise AssertionError(said)


@pytest.mark.parametrize("protocol", ["modbus", "rtu"])
def test_master__of_somebody_else_reads_and_writes_the_same(
    plc_sites: PlcSites, protocol: str
) -> None:
    site = plc_sites(protocol, "numbered")
    cable: Any = site.cable
    way = (
        ["-m", "tcp", "-p", str(cable.port), "127.0.0.1"]
        if protocol == "modbus"
        else ["-m", "rtu", "-b", "115200", "-P", "none", cable.path]
    )
    site.driver.connect()
    done = Execution(site.driver, Command(cmd_type="MOVE", params={"goal": 12}), task_id="task_a")
    assert done.ended().result == {"weight": 120}
    # there is one master on a line at a time
    site.driver.close()
    # the low word first, as mbpoll has it without -B
    assert "120" in mbpoll("-t", "4:float", "-r", str(_WEIGHT), *way).split("[40]")[1]
    assert str(site.plc.boot) in mbpoll("-t", "4:int", "-r", str(_BOOT), *way).split("[90]")[1]
    assert "12" in mbpoll("-t", "4", "-r", str(_GOAL), *way).split("[30]")[1]
    mbpoll("-t", "4", "-r", str(_GOAL), *way, values=("34",))
    again = site.again()
    again.connect()
    done = Execution(again, Command(cmd_type="WEIGH"), task_id="task_b")
    assert done.ended().result == {"weight": 120}
    assert ("goal", 34) in site.heard
