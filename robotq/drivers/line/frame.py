"""What stands around a line on the wire: address, id, checksum, terminator. Pure."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Mapping
from functools import reduce
from operator import xor

from robotq.config.line_device import LineChecksum, LineDevice

IDS = 1_000
"""Ids count from 1 to one less, and begin again."""


class NoLine(ValueError):
    """A text that cannot be sent as one line to this device."""


class Frame:
    """How lines go out and come in. Knows no state."""

    def __init__(self, device: LineDevice) -> None:
        """Raises re.error, ValueError."""
        self._encoding = device.encoding
        self._end = device.ends.send.encode(device.encoding)
        self.receive_end = device.ends.receive.encode(device.encoding)
        self._send = device.frame.send.replace("{address}", device.address)
        self._receive = device.frame.receive.replace("{address}", re.escape(device.address))
        self._checksum = device.checksum
        self.has_ids = "{id}" in self._receive
        """An answer says to which question it belongs."""
        self._fixed = None if self.has_ids else self._pattern("")
        self._look_at_parts(device)

    def out(self, line: str, number: int) -> bytes:
        """The bytes of a line. Raises NoLine."""
        for character in line:
            if not character.isprintable():
                raise NoLine(f"the character {character!r} may not stand in a line")
        text = self._send.replace("{id}", str(number)).replace("{line}", line)
        before, mark, behind = text.partition("{checksum}")
        try:
            data = before.encode(self._encoding)
            if mark and self._checksum is not None:
                data += checksum(data, self._checksum).encode() + behind.encode(self._encoding)
        except UnicodeEncodeError as error:
            raise NoLine(f"{line!r} cannot be written in {self._encoding}") from error
        return data + self._end

    def echo_of(self, data: bytes) -> bytes:
        """What comes back for these bytes from a device that repeats what it gets."""
        return data.removesuffix(self._end).strip(b" \t\r\n")

    def read(self, data: bytes, number: int) -> str | None:
        """What the device says in this line; None where it is not for us, or was damaged."""
        try:
            text = data.decode(self._encoding)
        except UnicodeDecodeError:
            return None
        pattern = self._fixed or self._pattern(str(number))
        found = pattern.fullmatch(text)
        if found is None:
            return None
        if self._checksum is not None and "checksum" in pattern.groupindex:
            body = text[: found.start("checksum")].encode(self._encoding)
            if found["checksum"].upper() != checksum(body, self._checksum).upper():
                return None
        line: str = found["line"]
        return line.strip(" \t\r\n")

    def _pattern(self, number: str) -> re.Pattern[str]:
        return re.compile(self._receive.replace("{id}", number), re.ASCII | re.DOTALL)

    def _look_at_parts(self, device: LineDevice) -> None:
        if device.frame.send.count("{line}") != 1:
            raise ValueError("frame.send: expected {line} once")
        groups = self._pattern("0").groupindex
        if "line" not in groups:
            raise ValueError("frame.receive: expected a group (?P<line>...)")
        used = "{checksum}" in device.frame.send or "checksum" in groups
        if used != (device.checksum is not None):
            raise ValueError(
                "checksum: expected it where {checksum} stands in frame.send or a group checksum "
                "in frame.receive, and only there"
            )
        both = device.frame.send + device.frame.receive
        if ("{address}" in both) != bool(device.address):
            raise ValueError("address: expected it where {address} stands in frame, and only there")
        if self.has_ids and "{id}" not in device.frame.send:
            raise ValueError("frame.send: expected {id}, since frame.receive has it")
        if device.ends.send in device.frame.send:
            raise ValueError("frame.send: holds the end of a line")


def checksum(data: bytes, how: LineChecksum) -> str:
    """As it stands in a line behind `data`."""
    counted = data.removesuffix(how.mark.encode())[how.skip :]
    value = _ALGORITHMS[how.algorithm](counted)
    if how.written == "decimal":
        return f"{value:03d}"
    digits = f"{value:0{4 if how.algorithm.startswith('crc16') else 2}X}"
    return digits.lower() if how.written == "hex_lower" else digits


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ 0x07) & 0xFF if value & 0x80 else value << 1
    return value


def _crc16_modbus(data: bytes) -> int:
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


_ALGORITHMS: Mapping[str, Callable[[bytes], int]] = {
    "xor": lambda data: reduce(xor, data, 0),
    "sum": lambda data: sum(data) % 256,
    "lrc": lambda data: -sum(data) % 256,
    "crc8": _crc8,
    "crc16-modbus": _crc16_modbus,
    "crc16-ccitt": lambda data: binascii.crc_hqx(data, 0xFFFF),
    "crc16-xmodem": lambda data: binascii.crc_hqx(data, 0),
}
