"""What is wrong in a table, or in a command, is said before anything is opened."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from robotq.checks.ports import shared_ports
from robotq.config import load_config
from robotq.config.plc_station import PlcNode
from robotq.drivers.plc.nodes import modbus_node, s7_node
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
        (("commands", "PICK", "done"), "速度", "速度 is no whole number"),
        (("commands", "PICK", "write"), {"已停止": "slot"}, "cannot be written: discrete:0"),
        (("commands", "PICK", "outcome", "ok"), [0], "0 is what stands there after a start"),
        (("commands", "PICK", "done"), None, "expected pattern, start and done"),
        (("nodes", 1, "alias"), "request", "stands in the table twice"),
        (("nodes", 0, "address"), "40001", "expected such as holding:100"),
        (("opcua",), {"url": "opc.tcp://h:1"}, "expected one of modbus, modbus_rtu, opcua and s7"),
        (("stop", "node"), "重量", "is no bit: expected type bool, or a whole number"),
        (("nodes", 10, "address"), "holding:30.3", "a register of its own that is 0 or 1"),
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


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("opcua",), None, "expected one of modbus, modbus_rtu, opcua and s7"),
        (("commands", "WEIGH", "lads", "unit"), "/", "unit: is empty"),
        (("commands", "WEIGH", "lads", "unit"), "ns=x;i=1", "found 'ns=x;i=1'"),
        (
            ("commands", "WEIGH", "lads", "sample"),
            "rack",
            "found 'rack', expected a name of params",
        ),
        (("commands", "WEIGH", "lads", "properties"), {}, "rack_slot: is written nowhere"),
        (("commands", "WEIGH", "pattern"), "pulse", "a program of LADS has no pattern"),
        (("commands", "WEIGH", "query"), True, "is no query"),
        (("commands", "WEIGH", "lads", "programme"), "x", "unknown key"),
    ],
)
def test_fault__of_a_program_of_lads(path: tuple[Any, ...], value: Any, told: str) -> None:
    options: Any = dict(load_config(ROOT / "config" / "lads-balance.yaml", {}, {}).robots)
    options = copy.deepcopy(dict(options["balance"].options))
    read = read_options("balance", options)
    assert read.brings["WEIGH"]["schema"]["required"] == ["sample"]
    command = options["commands"]["WEIGH"]
    command["params"]["rack_slot"] = {"type": "text"}
    command["lads"]["properties"] = {"Slot": "rack_slot"}
    inner = options
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(ConfigError) as error:
        read_options("balance", options)
    assert told in str(error.value)


def test_program_of_lads__needs_a_server_of_opc_ua(options: dict[str, Any]) -> None:
    wrong = copy.deepcopy(options)
    wrong["commands"]["RUN"] = {"lads": {"unit": "ns=5;i=1", "program": "Run"}}
    with pytest.raises(ConfigError, match="only a server of OPC UA has programs of LADS"):
        read_options("station", wrong)


def test_stop__that_can_never_be_confirmed_is_noted(options: dict[str, Any]) -> None:
    assert not list(read_options("station", options).notes)
    odd = copy.deepcopy(options)
    del odd["stop"]["stopped"]
    del odd["commands"]["PICK"]["outcome"]
    (note,) = read_options("station", odd).notes
    assert "PICK: without `stopped` or `outcome.stopped` every stop ends as outcome_unknown" in note
    del odd["stop"]
    assert list(read_options("station", odd).notes) == [
        "PICK cannot be stopped: the options have no `stop`"
    ]


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


@pytest.mark.parametrize(
    ("type_", "address", "place"),
    [
        ("bool", "DB1.DBX2.5", ("DB", 1, 2, 5, True)),
        ("int16", "db12.dbw4", ("DB", 12, 4, None, True)),
        ("float32", "DB1.DBD8", ("DB", 1, 8, None, True)),
        ("float64", "DB1.DBD8", ("DB", 1, 8, None, True)),
        ("bool", "M0.7", ("M", 0, 0, 7, True)),
        ("uint16", "MW10", ("M", 0, 10, None, True)),
        ("bool", "E1.0", ("I", 0, 1, 0, False)),
        ("bool", "Q1.0", ("Q", 0, 1, 0, True)),
    ],
)
def test_address__of_s7(type_: Any, address: str, place: tuple[Any, ...]) -> None:
    node = s7_node(PlcNode(name="x", type=type_, address=address))
    assert (node.area, node.block, node.at, node.bit, node.writable) == place


@pytest.mark.parametrize(
    ("type_", "address", "told"),
    [
        ("bool", "DB1.DBX0.8", "expected such as DB1.DBX0.0"),
        ("bool", "DB1.DBW0", "a bit is type bool"),
        ("int16", "DB1.DBX0.0", "a bit is type bool"),
        ("int16", "DB1.DBD0", "int16 has 2 bytes: expected W"),
        ("float32", "DB1.DBW0", "float32 has 4 bytes: expected D"),
        ("int16", "DB1.DBB0", "int16 has 2 bytes: expected W"),
        ("int16", "DB0.DBW0", "the number of a data block"),
        ("int16", "holding:0", "expected such as DB1.DBX0.0"),
    ],
)
def test_address__of_s7_that_does_not_fit(type_: Any, address: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        s7_node(PlcNode(name="x", type=type_, address=address))


def test_port__of_a_serial_line_is_for_one_station(tmp_path: Path) -> None:
    line = "{driver: plc, options: {modbus_rtu: {port: /dev/ttyS9}, nodes: [], commands: {}}}"
    file = tmp_path / "site.yaml"
    file.write_text(f"robots:\n  one: {line}\n  two: {line}\n")
    found = list(shared_ports(load_config(file, {}, {})))
    assert len(found) == 1
    assert "found /dev/ttyS9, which one has" in found[0]


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_table__with_chinese_columns_and_the_types_of_the_program(
    options: dict[str, Any], tmp_path: Path, between: str
) -> None:
    iec = {"bool": "BOOL", "int16": "int", "uint16": "WORD", "float32": "REAL"}
    rows = [["名称", "别名", "类型", "地址", "字序", "比例"]]
    rows += [
        [
            n["name"],
            n["alias"],
            iec[n["type"]],
            n["address"],
            n.get("words", ""),
            n.get("scale", ""),
        ]
        for n in options.pop("nodes")
    ]
    lines = [between.join(str(cell) for cell in row) for row in rows]
    (tmp_path / "table.csv").write_text("\n".join(lines), encoding="gb18030")
    ready = read_options("station", {**options, "table": str(tmp_path / "table.csv")}).ready
    assert ready.nodes["重量"].written.type == "float32"
    assert ready.nodes["速度"].written.scale == 0.1
    assert len(ready.table) == 13


def test_column__that_stands_twice_is_told(options: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("name,名称,type,address\na,b,bool,coil:0\n")
    with pytest.raises(ConfigError, match="found the column name twice"):
        read_options("station", {**options, "table": str(tmp_path / "table.csv")})


def test_address__of_a_manual_is_told_in_words() -> None:
    with pytest.raises(ValueError, match="40001 is holding:0 in most manuals"):
        modbus_node(PlcNode(name="x", type="int16", address="40001"))
    with pytest.raises(ValueError, match="000017 is coil:16 in most manuals"):
        modbus_node(PlcNode(name="x", type="bool", address="000017"))


def test_text__goes_only_to_a_node_that_is_one(options: dict[str, Any]) -> None:
    wrong: Any = copy.deepcopy(options)
    wrong["commands"]["PICK"]["params"]["slot"] = {"type": "text"}
    with pytest.raises(ConfigError, match="slot is of type text, and 料位 is int16 in the table"):
        read_options("station", wrong)
    # over Modbus there is no text, and whoever writes STRING in his table is told so
    wrong["nodes"].append({"name": "瓶号", "type": "STRING", "address": "holding:50"})
    with pytest.raises(ConfigError, match="a string is read and written over OPC UA only"):
        read_options("station", wrong)


def test_row__with_a_fault_is_the_only_one_that_is_told(options: dict[str, Any]) -> None:
    """Before, every command that used it was told too: "is no node of the table"."""
    wrong: Any = copy.deepcopy(options)
    wrong["nodes"][0]["address"] = "40001"
    with pytest.raises(ConfigError) as error:
        read_options("station", wrong)
    assert "expected such as holding:100" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["nodes.csv", "nodes.yaml"])
def test_table__that_is_not_there_is_told_with_the_folder(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        read_options("station", {**options, "table": name})
    assert str(tmp_path) in str(error.value)
    assert f"./{name} counts from the folder of the configuration file" in str(error.value)


def test_whole_numbers__are_told_as_they_were_written(options: dict[str, Any]) -> None:
    """Before, `robotq commands` showed 1.0, and a task kept it so."""
    written: Any = copy.deepcopy(options)
    written["commands"]["PICK"]["params"]["slot"] = {
        "type": "integer", "min": 1, "max": 24, "default": 3, "one_of": [3, 5],
    }  # fmt: skip
    schema = read_options("station", written).brings["PICK"]["schema"]
    told = schema["properties"]["slot"]
    values = [told["minimum"], told["maximum"], told["default"], *told["enum"]]
    assert values == [1, 24, 3, 3, 5]
    assert {type(value) for value in values} == {int}
