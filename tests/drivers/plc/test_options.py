"""What is wrong in a table, or in a command, is said before anything is opened."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from robotq.config import load_config
from robotq.config.plc_station import PlcNode
from robotq.drivers.plc.nodes import modbus_node
from robotq.drivers.plc.options import read_options
from robotq.model.errors import ConfigError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def options() -> dict[str, Any]:
    robots = load_config(ROOT / "config" / "plc-station.yaml", {}, {}).robots
    return dict(robots["station"].options)


def test_config__that_is_ready_to_copy(options: dict[str, Any]) -> None:
    read = read_options("station", options)
    assert read.brings["PICK"]["schema"]["properties"]["speed"]["maximum"] == 200
    assert read.brings["WEIGH"]["kind"] == "query"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("commands", "PICK", "start"), "启动", "'启动', which is no node of the table"),
        (("commands", "PICK", "params", "slot", "max"), 40_000, "40000"),
        (("commands", "PICK", "params", "slot", "type"), "text", "cannot be written to a PLC"),
        (("commands", "PICK", "pattern"), "pulse", "请求号 is no bit"),
        (("commands", "PICK", "write"), {"已停止": "slot"}, "cannot be written: discrete:0"),
        (("commands", "PICK", "outcome", "ok"), [0], "0 is what stands there after a start"),
        (("commands", "PICK", "done"), None, "expected pattern, start and done"),
        (("nodes", 1, "alias"), "request", "stands in the table twice"),
        (("nodes", 0, "address"), "40001", "expected such as holding:100"),
        (("opcua",), {"url": "opc.tcp://h:1"}, "expected one of modbus and opcua"),
        (("stop", "node"), "报警字", "is no bit"),
        (("wachdog",), "stop", "unknown key"),
    ],
)
def test_fault__is_told_with_its_place(
    options: dict[str, Any], path: tuple[Any, ...], value: Any, told: str
) -> None:
    wrong: Any = copy.deepcopy(options)
    inner = wrong
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(ConfigError, match=r"robots\.station\.options") as error:
        read_options("station", wrong)
    assert told in str(error.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_table__as_a_chinese_excel_writes_it(
    options: dict[str, Any], tmp_path: Path, encoding: str
) -> None:
    table = tmp_path / "点表.csv"
    rows = ["name,alias,type,address,scale"]
    rows += [
        f"{n['name']},{n['alias']},{n['type']},{n['address']},{n.get('scale', '')}"
        for n in options.pop("nodes")
    ]
    table.write_text("\r\n".join(rows), encoding=encoding)
    read = read_options("station", {**options, "table": str(table)})
    assert read.ready.nodes["速度"].written.scale == 0.1


@pytest.mark.parametrize(
    ("words", "registers"),
    [
        ("ABCD", [0x4148, 0x0001]),
        ("CDAB", [0x0001, 0x4148]),
        ("BADC", [0x4841, 0x0100]),
        ("DCBA", [0x0100, 0x4841]),
    ],
)
def test_words__in_every_order(words: Any, registers: list[int]) -> None:
    node = modbus_node(PlcNode(name="w", type="uint32", address="holding:0", words=words))
    assert node.to_registers(0x41480001) == registers
    assert node.from_registers(registers) == 0x41480001


def test_scale__rounds_to_what_the_plc_holds_and_refuses_the_rest() -> None:
    node = modbus_node(PlcNode(name="v", type="int16", address="holding:0", scale=0.1, offset=-5))
    assert node.raw(12.34) == 173
    assert node.kept(12.34) == pytest.approx(12.3)
    for value in (4_000, float("nan"), "12"):
        with pytest.raises(ValueError, match=r"expected|holds"):
            node.raw(value)
