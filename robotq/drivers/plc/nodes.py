"""The nodes of a PLC: how a value stands in it, and how its address is written."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from robotq.config.plc_station import PlcNode

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
_LONGEST_TEXT = 254
"""Characters that are written: what a STRING of IEC 61131-3 has where nothing else is declared."""


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
    def is_text(self) -> bool:
        return self.written.type == "string"

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

    @property
    def instead(self) -> str:
        """What to do about one that cannot be written, where there is something."""
        if self.area != "holding" or self.bit is None:
            return ""
        return (
            "; whoever writes a bit of a register writes its neighbours too. Give it a coil, or a "
            f"register of its own that is 0 or 1: type uint16, address holding:{self.at}"
        )

    def raw(self, value: Any) -> bool | int | float | str:
        """Raises ValueError for what the node cannot hold."""
        kind = self.written.type
        if kind == "bool":
            if value not in (0, 1):
                raise ValueError(f"found {value!r}, expected 0 or 1")
            return bool(value)
        if kind == "string":
            return _text(value)
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


def _text(value: Any) -> str:
    """Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError(f"found {value!r}, expected a text")
    if len(value) > _LONGEST_TEXT:
        raise ValueError(f"found {len(value)} characters, expected {_LONGEST_TEXT} at most")
    return value


def _no_text(written: PlcNode) -> None:
    """Raises ValueError."""
    if written.type == "string":
        raise ValueError("a string is read and written over OPC UA only")


def modbus_node(written: PlcNode) -> Node:
    """Raises ValueError."""
    _no_text(written)
    found = _MODBUS.fullmatch(written.address)
    if found is None:
        raise ValueError(
            f"found {written.address!r}, expected such as holding:100 or coil:0"
            f"{_hint(written.address)}"
        )
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


def _hint(address: str) -> str:
    """What a number of five or six digits means in most manuals."""
    areas = {"0": "coil", "1": "discrete", "3": "input", "4": "holding"}
    found = re.fullmatch(r"([0134])(\d{4,5})", address)
    if found is None or int(found[2]) == 0:
        return ""
    return f"; {address} is {areas[found[1]]}:{int(found[2]) - 1} in most manuals"


def opcua_node(written: PlcNode) -> Node:
    """Raises ValueError."""
    if not re.fullmatch(r"(?:ns=\d{1,5};)?[isgb]=.{1,500}", written.address):
        raise ValueError(f"found {written.address!r}, expected such as ns=2;s=Start")
    if written.type == "string" and (written.scale, written.offset) != (1, 0):
        raise ValueError("a string has no scale and offset")
    return Node(written=written)


def s7_node(written: PlcNode) -> Node:
    """Raises ValueError."""
    _no_text(written)
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
