"""The table in which the nodes of a PLC are listed, as people have it: CSV out of a spreadsheet in
either language, or YAML."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from robotq.config.plc_station import PlcNode
from robotq.config.strict_yaml import read
from robotq.model.errors import ConfigError

_LARGEST_TABLE = 2_000_000
_MOST_NODES = 10_000
_NUMBERS = ("scale", "offset")
_COLUMNS: Mapping[str, str] = {
    "名称": "name", "别名": "alias", "类型": "type", "地址": "address", "字序": "words",
    "比例": "scale", "偏移": "offset", "单位": "unit",
}  # fmt: skip
_TYPES: Mapping[str, str] = {
    "BOOL": "bool", "INT": "int16", "UINT": "uint16", "WORD": "uint16", "DINT": "int32",
    "UDINT": "uint32", "DWORD": "uint32", "REAL": "float32", "LREAL": "float64",
    "STRING": "string", "WSTRING": "string",
}  # fmt: skip
"""The names of IEC 61131-3, as they stand in the program of the PLC."""


def known_types(rows: list[Any]) -> list[Any]:
    """The same rows, with the types of a PLC's program in robotq's own words."""
    return [
        {**row, "type": _TYPES.get(str(row["type"]).upper(), row["type"])}
        if isinstance(row, Mapping) and "type" in row
        else row
        for row in rows
    ]


def read_table(file: str) -> list[dict[str, Any]]:
    """The rows of a table, CSV or YAML. Raises ConfigError."""
    path = Path(file)
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file{_looked_in(path)}")
    if path.suffix in (".yaml", ".yml"):
        rows = read(path).value
        if isinstance(rows, Mapping):
            rows = rows.get("nodes")
        if not isinstance(rows, list):
            raise ConfigError(f"{path}: expected a list of nodes")
        return rows
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(data) > _LARGEST_TABLE:
        raise ConfigError(f"{path}: {len(data)} bytes, expected {_LARGEST_TABLE} at most")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # as a Chinese Excel writes it
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: is neither UTF-8 nor GB18030") from error
    return _csv_rows(path, text)


def _looked_in(path: Path) -> str:
    if path.is_absolute():
        return ""
    return f" in {Path.cwd()}; ./{path} counts from the folder of the configuration file"


def _csv_rows(path: Path, text: str) -> list[dict[str, Any]]:
    known = [each.name for each in fields(PlcNode)]
    first = text.partition("\n")[0]
    # a spreadsheet of another country separates by one of these
    between = next((each for each in ";\t" if each in first and "," not in first), ",")
    reader = csv.DictReader(io.StringIO(text), delimiter=between, skipinitialspace=True)
    written = [str(name or "").strip() for name in reader.fieldnames or ()]
    names = [_COLUMNS.get(name, name.lower()) for name in written]
    odd = [name for name in names if name not in known]
    if odd or not names:
        raise ConfigError(f"{path}: found the columns {odd}, expected some of {', '.join(known)}")
    reader.fieldnames = names
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ConfigError(f"{path}: found the column {twice[0]} twice")
    rows: list[dict[str, Any]] = []
    for row in reader:
        where = f"{path}: line {reader.line_num}"
        if None in row or len(rows) >= _MOST_NODES:
            raise ConfigError(f"{where}: more columns than the first line has, or too many rows")
        told: dict[str, Any] = {
            key: cell.strip() for key, cell in row.items() if cell and cell.strip()
        }
        for key in _NUMBERS:
            if key in told:
                try:
                    told[key] = float(told[key])
                except ValueError as error:
                    raise ConfigError(f"{where}: {key}: expected a number") from error
        if told:
            rows.append(told)
    return rows
