"""What is wrong in a device file is found before anything is sent: `robotq check-config`."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from robotq.catalog import Catalog, load_catalog
from robotq.checks.written import examine
from robotq.config import Config, load_config
from robotq.config import line_device as shape
from robotq.config.device_params import DeviceParam
from robotq.config.line_device import LineChecksum
from robotq.drivers.brought import commands_of
from robotq.drivers.line.frame import checksum
from robotq.drivers.line.options import read_options, ready_files
from robotq.model.errors import ConfigError, RobotqError

WHO = "who: {send: 'ID?', expect: 'ID (?P<name>.*)'}\n"
REST = "safe_state: []\n"
DEVICE = WHO + REST


def read(tmp_path: Path, text: str, **options: Any) -> list[str]:
    """The faults of a device file, each with its line."""
    file = tmp_path / "pump.yaml"
    file.write_text(text)
    try:
        read_options("pump", {"port": "/dev/ttyS9", "device": str(file), **options})
    except ConfigError as error:
        return str(error).replace(f"{tmp_path}/", "").splitlines()
    return []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("commands: {GO: {send: GO}}\n" + WHO, "safe_state: is missing"),
        ("commands: {GO: {send: GO, reads: true}}\n", "who: is missing: a question whose answer"),
        (DEVICE + "comands: {}\n", "pump.yaml:3: comands: unknown key; did you mean commands?"),
        (DEVICE + "commands:\n  GO: {sent: GO}\n", "pump.yaml:4: commands.GO.sent: unknown key"),
        (DEVICE + "commands:\n  GO: {expect: OK}\n", "pump.yaml:4: commands.GO.send: is missing"),
        (DEVICE + "commands: {GO: {send: GO, expect: '('}}\n", "expected a regular expression"),
        (DEVICE + "commands: {GO: {send: 'GO {params.x}'}}\n", "params has no x"),
        (DEVICE + "commands: {GO: {send: 'GO {'}}\n", "commands.GO.send: 'GO {'"),
        (
            DEVICE + "commands: {GO: {params: {x: {type: text}}, send: 'GO {params.x}'}}\n",
            "a text needs one_of or pattern",
        ),
        (
            DEVICE + "commands: {GO: {params: {x: {min: 5, max: 1}}, send: 'GO {params.x}'}}\n",
            "nothing is allowed",
        ),
        (
            DEVICE + "commands: {GO: {params: {x: {max: 0.05}}, send: 'GO {params.x:.1f}'}}\n",
            "makes 0.05 to 0.1, which is not allowed",
        ),
        (
            DEVICE + "commands: {GO: {params: {x: {max: 'values.y'}}, send: 'GO {params.x}'}}\n",
            "commands.GO.params.x.max: values has no y",
        ),
        (
            DEVICE + "commands: {GO: {params: {x: {default: 7, max: 5}}, send: 'GO {params.x}'}}\n",
            "default: found 7",
        ),
        (DEVICE + "commands: {GO: {send: GO, error: {x: y}}}\n", "expected it beside expect"),
        (DEVICE + "commands: {GO: {send: GO, query: true}}\n", "expected reads: true"),
        (
            DEVICE + "commands: {GO: {send: GO, poll: {send: 'Q?', expect: '.*'}}}\n",
            "expected one of until and reached",
        ),
        (
            DEVICE + "commands: {GO: {send: GO, expect: '(?P<x>.)', types: {y: number}}}\n",
            "types.y: no such group",
        ),
        (DEVICE + "checksum: {algorithm: crc7}\n", "checksum.algorithm: found 'crc7'"),
        (DEVICE + "checksum: {algorithm: xor}\n", "expected it where {checksum} stands"),
        (DEVICE + "address: '1'\n", "expected it where {address} stands"),
        (DEVICE + "frame: {send: '/1'}\n", "expected {line} once"),
        (DEVICE + "limits: {speed: {max: 5}}\n", "limits.speed: no command has such a parameter"),
        (DEVICE + "answer_s: soon\n", "answer_s: found 'soon', expected a number"),
        (DEVICE + 'commands: {GO: {send: "GO\\nX"}}\n', "may not stand in a line"),
        (DEVICE + "commands: {GO: {send: 'GÖ'}}\n", "cannot be written in ascii"),
        (DEVICE + "commands: {'GO TO': {send: GO}}\n", "expected a name of letters"),
    ],
)
def test_fault__is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    found = read(tmp_path, text)
    assert any(told in line for line in found), found


def test_faults__are_told_all_at_once(tmp_path: Path) -> None:
    found = read(tmp_path, "commands:\n  A: {send: '{x}'}\n  B: {send: B, expect: '['}\n")
    assert len(found) == 4, found


def test_robot__goes_before_the_file(tmp_path: Path) -> None:
    text = DEVICE + "answer_s: 1\nvalues: {a: 1, b: 2}\ncommands: {GO: {send: GO}, X: {send: X}}\n"
    file = tmp_path / "pump.yaml"
    file.write_text(text)
    options = read_options(
        "pump",
        {
            "port": "COM3",
            "device": str(file),
            "answer_s": 3,
            "values": {"b": 5},
            "commands": {"X": None},
        },
    )
    device = options.ready.device
    assert (device.answer_s, device.values, list(device.commands)) == (3, {"a": 1, "b": 5}, ["GO"])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"device": "no-such"}, "device: found 'no-such'"),
        ({"device": "./none.yaml"}, "none.yaml: cannot be read"),
        ({"prot": "x"}, "prot: unknown key; did you mean port?"),
        ({"answer_s": -1, "who": {"send": "I", "expect": "I"}}, "options: answer_s: found -1"),
        ({"identity": "P1", "commands": {}}, "is missing: a question"),
    ],
)
def test_options__that_are_wrong(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_options("pump", {"port": "COM3", **options})
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("xor", "31"),
        ("sum", "DD"),
        ("lrc", "23"),
        ("crc8", "F4"),
        ("crc16-modbus", "4B37"),
        ("crc16-ccitt", "29B1"),
        ("crc16-xmodem", "31C3"),
    ],
)
def test_checksum__of_the_digits_that_everybody_compares(algorithm: Any, expected: str) -> None:
    assert checksum(b"123456789", LineChecksum(algorithm=algorithm)) == expected
    how = LineChecksum(algorithm=algorithm, skip=1, mark="*", written="hex_lower")
    assert checksum(b":123456789*", how) == expected.lower()


SITE = """
robots:
  {name_a}:
    driver: line
    options: {{port: COM3, device: ./pump.yaml}}
  pump_b:
    driver: line
    options: {{port: COM4, device: ./pump.yaml, limits: {{ml: {{max: 20}}}}, commands: {{{b}}}}}
"""
PUMP = (
    DEVICE
    + """
commands:
  PUMP:
    title: {en: Pump}
    timeout_s: 30
    params: {ml: {min: 0, max: 10}}
    send: GO {params.ml}
    expect: OK
  VOLUME: {send: 'V?', reads: true, query: true, expect: '(?P<ml>.*)'}
"""
)


def site(tmp_path: Path, b: str = "") -> Config:
    (tmp_path / "pump.yaml").write_text(PUMP)
    (tmp_path / "site.yaml").write_text(SITE.format(name_a="pump_a", b=b))
    return load_config(tmp_path / "site.yaml", {}, {})


def catalog_of(config: Config) -> Catalog:
    return load_catalog(config.commands, commands_of(config.robots))


def test_commands__of_a_device_are_known_to_the_daemon(tmp_path: Path) -> None:
    config = site(tmp_path)
    catalog = catalog_of(config)
    spec = catalog.get("PUMP")
    assert (spec.timeout_s, spec.title, spec.robots) == (30, {"en": "Pump"}, ("pump_a", "pump_b"))
    assert catalog.get("VOLUME").kind == "query"
    assert catalog.validated(spec, {"ml": 5}) == {"ml": 5}
    for wrong in ({"ml": 11}, {"ml": "5"}, {}, {"ml": 5, "speed": 1}):
        with pytest.raises(RobotqError):
            catalog.validated(spec, wrong)
    known = examine(config, catalog).known
    assert known.why_not(catalog.get("SCAN_QRCODE"), "pump_a") is not None
    assert known.why_not(spec, "pump_b") is None


def test_commands__of_one_name_with_other_params_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="takes other params than that of pump_a"):
        catalog_of(site(tmp_path, "PUMP: {send: GO, params: {ml: {type: integer, min: 0}}}"))


def test_commands__with_the_name_of_a_packaged_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SCAN_QRCODE, which comes with robotq"):
        catalog_of(site(tmp_path, "SCAN_QRCODE: {send: GO}"))


def test_docs__name_every_key() -> None:
    page = (Path(__file__).parents[3] / "docs" / "drivers" / "line.md").read_text("utf-8")
    shapes = (
        shape.LineDevice, shape.LineCommand, shape.LineExchange, shape.LinePoll, DeviceParam,
        shape.LineFrame, shape.LineEnds, shape.LineChecksum, shape.LineErrors, shape.LineResync,
    )  # fmt: skip
    keys = {field.name for one in shapes for field in fields(one)}
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}\b", page)] == []
    for name in ready_files():
        options = read_options("r", {"port": "COM3", "device": name})
        assert [each for each in options.ready.programs if each not in page] == []
