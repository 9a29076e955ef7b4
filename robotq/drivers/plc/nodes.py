"""The nodes of a PLC: how a value stands in it, and the table in which they are listed."""

from __future__ import annotations

import csv
import io
import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from robotq.config.plc_station import PlcNode
from robotq.config.strict_yaml import read
from robotq.model.errors import ConfigError

_INTEGERS: Mapping[str, tuple[int, int]] = {
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
}
_FORMATS: Mapping[str, str] = {
    "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "float32": "f", "float64": "d",
}  # fmt: skip
_MODBUS = re.compile(
    r"(?P<area>coil|discrete|holding|input):(?P<at>\d{1,5})(?:\.(?P<bit>\d{1,2}))?"
)
_S7 = re.compile(
    r"(?:DB(?P<db>\d{1,5})\.DB(?P<size>[XBWD])|(?P<area>[MIEQA])(?P<width>[BWD]?))"
    r"(?P<at>\d{1,5})(?:\.(?P<bit>[0-7]))?"
)
_S7_AREAS: Mapping[str, str] = {"M": "M", "I": "I", "E": "I", "Q": "Q", "A": "Q"}
_S7_SIZES: Mapping[str, int] = {"W": 2, "D": 4}
_BITS = 16
_LARGEST_TABLE = 2_000_000
_MOST_NODES = 10_000
_NUMBERS = ("scale", "offset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One value of the PLC. `raw` is what the PLC has, `value` what users see."""

    written: PlcNode
    area: str = ""
    """Of Modbus coil, discrete, holding or input; of S7 DB, M, I or Q."""
    block: int = 0
    """The number of a data block of S7."""
    at: int = 0
    bit: int | None = None

    @property
    def name(self) -> str:
        return self.written.name

    @property
    def is_bit(self) -> bool:
        return self.written.type == "bool"

    @property
    def is_integer(self) -> bool:
        """A number that stands in the PLC as it is."""
        plain = (self.written.scale, self.written.offset) == (1, 0)
        return self.written.type in _INTEGERS and plain

    @property
    def largest(self) -> int:
        """Of an integer."""
        return _INTEGERS[self.written.type][1]

    @property
    def writable(self) -> bool:
        """As far as the address tells: a bit of a register of Modbus is the PLC's own, for whoever
        writes it writes its fifteen neighbours too."""
        if self.area in ("holding", "input"):
            return self.area == "holding" and self.bit is None
        return self.area not in ("discrete", "I")

    def raw(self, value: Any) -> bool | int | float:
        """Raises ValueError for what the node cannot hold."""
        kind = self.written.type
        if kind == "bool":
            if value not in (0, 1):
                raise ValueError(f"found {value!r}, expected 0 or 1")
            return bool(value)
        if isinstance(value, str) or not math.isfinite(value):
            raise ValueError(f"found {value!r}, expected a number")
        number = float(value)
        if self._scaled:
            number = (number - self.written.offset) / self.written.scale
        if kind in _INTEGERS:
            least, most = _INTEGERS[kind]
            whole = round(number)
            if not least <= whole <= most:
                raise ValueError(f"{value!r} is {whole} in the PLC, which holds {least} to {most}")
            return whole
        try:
            packed = struct.pack(f">{_FORMATS[kind]}", number)
        except OverflowError as error:
            raise ValueError(f"{value!r} is too large for {kind}") from error
        return float(struct.unpack(f">{_FORMATS[kind]}", packed)[0])

    def value(self, raw: Any) -> Any:
        if self.is_bit:
            return bool(raw)
        return raw * self.written.scale + self.written.offset if self._scaled else raw

    def kept(self, value: Any) -> Any:
        """The value as it is read back after it was written. Raises ValueError."""
        return self.value(self.raw(value))

    # -- bytes -----------------------------------------------------------------------------------

    @property
    def length(self) -> int:
        """In bytes."""
        return 1 if self.is_bit else struct.calcsize(_FORMATS[self.written.type])

    def to_bytes(self, raw: Any) -> bytes:
        """Of a number."""
        return self._ordered(struct.pack(f">{_FORMATS[self.written.type]}", raw))

    def from_bytes(self, data: bytes) -> Any:
        if self.is_bit:
            return bool(data[0] >> (self.bit or 0) & 1)
        return struct.unpack(f">{_FORMATS[self.written.type]}", self._ordered(data))[0]

    # -- registers -----------------------------------------------------------------------------

    @property
    def registers(self) -> int:
        return 1 if self.is_bit else self.length // 2

    def to_registers(self, raw: Any) -> list[int]:
        data = self.to_bytes(raw)
        return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]

    def from_registers(self, registers: Sequence[int]) -> Any:
        if self.is_bit:
            return bool(registers[0] >> (self.bit or 0) & 1)
        return self.from_bytes(b"".join(each.to_bytes(2, "big") for each in registers))

    def _ordered(self, data: bytes) -> bytes:
        """Between the order of the registers and the large end first; the same both ways."""
        words = [data[i : i + 2] for i in range(0, len(data), 2)]
        if self.written.words in ("CDAB", "DCBA"):
            words.reverse()
        if self.written.words in ("BADC", "DCBA"):
            words = [word[::-1] for word in words]
        return b"".join(words)

    @property
    def _scaled(self) -> bool:
        return (self.written.scale, self.written.offset) != (1, 0)


def modbus_node(written: PlcNode) -> Node:
    """Raises ValueError."""
    found = _MODBUS.fullmatch(written.address)
    if found is None:
        raise ValueError(f"found {written.address!r}, expected such as holding:100 or coil:0")
    area, at = found["area"], int(found["at"])
    bit = None if found["bit"] is None else int(found["bit"])
    node = Node(written=written, area=area, at=at, bit=bit)
    if area in ("coil", "discrete"):
        if written.type != "bool" or bit is not None:
            raise ValueError(f"{area} is a bit: expected type bool, and no bit behind the address")
    elif (written.type == "bool") != (bit is not None) or (bit or 0) >= _BITS:
        raise ValueError("a bit of a register is type bool with an address such as holding:100.3")
    if at + node.registers > 2**16:
        raise ValueError(f"found {at}, expected at most {2**16 - node.registers}")
    return node


def opcua_node(written: PlcNode) -> Node:
    """Raises ValueError."""
    if not re.fullmatch(r"(?:ns=\d{1,5};)?[isgb]=.{1,500}", written.address):
        raise ValueError(f"found {written.address!r}, expected such as ns=2;s=Start")
    return Node(written=written)


def s7_node(written: PlcNode) -> Node:
    """Raises ValueError."""
    found = _S7.fullmatch(written.address.upper())
    if found is None:
        raise ValueError(
            f"found {written.address!r}, expected such as DB1.DBX0.0, DB1.DBW2, DB1.DBD4 or M0.0"
        )
    size = found["size"] or found["width"] or "X"
    bit = None if found["bit"] is None else int(found["bit"])
    area = _S7_AREAS[found["area"]] if found["area"] else "DB"
    node = Node(
        written=written, area=area, block=int(found["db"] or 0), at=int(found["at"]), bit=bit
    )
    if (size == "X") != (bit is not None) or node.is_bit != (size == "X"):
        raise ValueError("a bit is type bool with an address such as DB1.DBX0.0 or M0.0")
    if not node.is_bit and _S7_SIZES.get(size) != min(node.length, 4):
        raise ValueError(
            f"{written.type} has {node.length} bytes: expected {'W' if node.length == 2 else 'D'} "
            "before the number of its first byte"
        )
    if area == "DB" and not node.block:
        raise ValueError("found DB0, expected the number of a data block")
    if node.at + node.length > 2**16:
        raise ValueError(f"found {node.at}, expected at most {2**16 - node.length}")
    return node


def read_table(file: str) -> list[dict[str, Any]]:
    """The rows of a table, CSV or YAML. Raises ConfigError."""
    path = Path(file)
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


def _csv_rows(path: Path, text: str) -> list[dict[str, Any]]:
    known = [each.name for each in fields(PlcNode)]
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    odd = [name for name in reader.fieldnames or () if name not in known]
    if odd or not reader.fieldnames:
        raise ConfigError(f"{path}: found the columns {odd}, expected some of {', '.join(known)}")
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
