"""Somebody has a PLC with 20 nodes, whose names are Chinese, and the page of the driver: he types
what stands there, and the station picks and weighs."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from robotq.config.plc_station import PlcNode
from robotq.drivers.plc.table import known_types, read_table
from tests.drivers.killed import until
from tests.drivers.plc.model import ModelPlc
from tests.drivers.plc.site import LIBRARIES, ModbusServer, OpcUaServer, Server
from tests.test_tutorial import Reader

pytestmark = [
    pytest.mark.wall("the server of the PLC waits by the wall"),
    pytest.mark.real_time("a reader waits for what he has started"),
    pytest.mark.slow,
    pytest.mark.timeout(300),
]

PAGE = Path(__file__).parents[3] / "docs" / "drivers" / "plc.md"
_SCAN_S = 0.01
_OWN = {"request": "start", "slot": "goal"}
"""What the program calls otherwise than the table."""
_STANDS_THERE = {
    "temperature": 235, "pressure": 612, "pieces": 70_001, "door": True, "gripper": False,
    "auto": True,
}  # fmt: skip
"""Of the machine; the program only shows it."""
_WRITTEN = ("request", "slot", "speed", "target", "stop", "watchdog")


def blocks(kind: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8").partition("## How the PLC is reached")[0]
    found: list[str] = re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return found


class Program:
    """What runs in the PLC: its own scan, beside the server that carries its nodes."""

    def __init__(self, server: Server, table: Mapping[str, str]) -> None:
        self.plc = ModelPlc("numbered", move_s=0.3, accept_after_s=0.02)
        self._server = server
        self._table = table
        self.ends = False

    async def run(self) -> None:
        await self._server.open()
        for name in _STANDS_THERE.keys() & self._table.keys():
            await self._server.put(name, _STANDS_THERE[name])
        last = time.monotonic()
        while not self.ends:
            await asyncio.sleep(_SCAN_S)
            passed, last = time.monotonic() - last, time.monotonic()
            for name in _WRITTEN:
                own = _OWN.get(name, name)
                if own in self.plc.nodes:
                    self.plc.nodes[own] = await self._server.get(name)
            self.plc.scan(passed)
            told = self.plc.told()
            for name in sorted(self._table.keys() - set(_WRITTEN), key="done".__eq__):
                if name in told:
                    await self._server.put(name, told[name])
        await self._server.close()


@contextmanager
def running(program: Program) -> Iterator[ModelPlc]:
    thread = threading.Thread(target=lambda: asyncio.run(program.run()), daemon=True)
    thread.start()
    until(lambda: program.plc.nodes["heartbeat"] > 3, 30)
    yield program.plc
    program.ends = True
    thread.join(20)


def modbus(rows: Mapping[str, PlcNode]) -> tuple[Server, dict[str, Any]]:
    places = {alias: int(row.address.partition(":")[2]) for alias, row in rows.items()}
    server = ModbusServer("numbered", {a: row.type for a, row in rows.items()}, places)
    return server, {"modbus": {"host": "127.0.0.1", "port": server.port}}


def opcua(rows: Mapping[str, PlcNode]) -> tuple[Server, dict[str, Any]]:
    shown = {alias: row.name for alias, row in rows.items()}
    server = OpcUaServer("numbered", {a: row.type for a, row in rows.items()}, shown)
    return server, {"opcua": {"url": f"opc.tcp://127.0.0.1:{server.port}/plc"}}


@pytest.mark.parametrize(
    ("protocol", "number", "carry"), [("modbus", 0, modbus), ("opcua", 1, opcua)]
)
def test_station__of_20_nodes_by_the_page_alone(
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    protocol: str,
    number: int,
    carry: Callable[[Mapping[str, PlcNode]], tuple[Server, dict[str, Any]]],
) -> None:
    pytest.importorskip(LIBRARIES[protocol], reason="its extra is not installed")
    (tmp_path / "nodes.csv").write_text(blocks("csv")[number], encoding="utf-8")
    rows = known_types(read_table(str(tmp_path / "nodes.csv")))
    table = {row["alias"]: PlcNode(**row) for row in rows}
    assert len(table) == 20
    server, way = carry(table)
    station = yaml.safe_load(blocks("yaml")[0])
    options = station["robots"]["station"]["options"]
    # the one line that is another one for everybody
    del options["modbus"]
    options.update(way)
    (tmp_path / "station.yaml").write_text(yaml.safe_dump(station, allow_unicode=True))
    reader = Reader(tmp_path)
    began = time.monotonic()
    shown, typed = "", 0
    with running(Program(server, {alias: row.type for alias, row in table.items()})) as plc:
        try:
            for block in blocks("bash"):
                typed += len(block.splitlines())
                if "robotq serve" in block:
                    reader.serve(block)
                    continue
                done = reader.type(block)
                assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
                shown += done.stdout
        finally:
            reader.end()
    record_property("new station", {"lines": typed, "seconds": time.monotonic() - began})
    assert "20 nodes, all of them can be read" in shown
    assert "23.5 °C" in shown
    assert "70001" in shown
    assert [(job.goal, job.ended) for job in plc.jobs] == [(3, "ok")]
    assert "weight_g" in shown
    assert "30" in shown


def test_table__of_somebody_else_is_told_where_it_does_not_fit(tmp_path: Path) -> None:
    """Another address, another order of words: the node says so, and the others are read."""
    pytest.importorskip("pymodbus", reason="the extra modbus is not installed")
    text = blocks("csv")[0].replace("holding:22", "holding:9000")
    (tmp_path / "nodes.csv").write_text(text, encoding="gb18030")
    rows = known_types(read_table(str(tmp_path / "nodes.csv")))
    table = {row["alias"]: PlcNode(**row) for row in rows}
    server, way = modbus(table)
    del table["temperature"]
    station = yaml.safe_load(blocks("yaml")[0])
    station["robots"]["station"]["options"].update(way)
    (tmp_path / "station.yaml").write_text(yaml.safe_dump(station, allow_unicode=True))
    reader = Reader(tmp_path)
    done = reader.type("robotq nodes station.yaml")
    assert (done.returncode, "takes no connection" in done.stderr) == (1, True), done.stderr
    with running(Program(server, {alias: row.type for alias, row in table.items()})):
        done = reader.type("robotq nodes station.yaml")
    assert done.returncode == 1, done.stderr
    assert "20 nodes, 1 of them cannot be read" in done.stdout
    assert "holding:9000" in done.stdout
