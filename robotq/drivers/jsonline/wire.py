"""One message of the protocol, as bytes. docs/drivers/jsonline.md specifies it."""

from __future__ import annotations

import binascii
from typing import Any

import orjson

PROTOCOL = 1
SETTLES = 2
"""The version from which on a device tells what became of a command."""
STOP_BYTE = b"\x18"
"""Emergency stop. JSON text never holds this byte, so it means the same anywhere."""
LEAST_LINE = 256
"""Bytes of a line that every device takes."""
MOST_LINE = 65_536
"""Bytes of a line that a host takes."""


class BadLine(ValueError):
    """A line that is no message, or was damaged on its way. It is dropped; what it was about
    is asked again."""


def encode(message: dict[str, Any], *, crc: bool) -> bytes:
    """A message as a line, with its end."""
    body = orjson.dumps(message)
    if crc:
        body += b"#%04x" % checksum(body)
    return body + b"\n"


def decode(line: bytes, *, crc: bool) -> dict[str, Any]:
    """A line without its end as a message. With `crc` a checksum has to be there; where one is
    there, it has to be right. Raises BadLine."""
    body, mark, told = line.rpartition(b"#")
    # a text may hold the mark too, but never behind the last brace
    if mark and body.endswith(b"}") and b"}" not in told:
        if told.lower() != b"%04x" % checksum(body):
            raise BadLine("the checksum is wrong")
    elif crc:
        raise BadLine("there is no checksum")
    else:
        body = line
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadLine(str(error)) from error
    if not isinstance(message, dict):
        raise BadLine("expected an object")
    return message


def checksum(body: bytes) -> int:
    """CRC-16/CCITT-FALSE: polynomial 0x1021, starting with 0xffff."""
    return binascii.crc_hqx(body, 0xFFFF)
