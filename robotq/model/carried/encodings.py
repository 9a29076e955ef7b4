"""Which encoding bytes may have that are no UTF-8: a guess, for the text of an error."""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_LOOKED_AT = 65_536
"""Bytes by which it is guessed."""
_GZIP = b"\x1f\x8b"


def not_utf8(raw: bytes) -> str | None:
    """What to tell about bytes that are no UTF-8 text, as one line; None where they are one."""
    # a multiple of four, so that no character of a guess is cut
    beginning = raw[:_LOOKED_AT]
    if beginning.startswith(_GZIP):
        return "it is packed with gzip; send it with `Content-Encoding: gzip`, or unpacked"
    for mark, name in _MARKS:
        if beginning.startswith(mark):
            return f"it is text in {name}, expected UTF-8; save or send it as UTF-8"
    wide = _wide(beginning)
    if wide is not None:
        return f"it looks like text in {wide}, expected UTF-8; save or send it as UTF-8"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = raw[error.start]
        line = raw.count(b"\n", 0, error.start) + 1
        return (
            f"byte {error.start} (0x{byte:02x}, line {line}) is not UTF-8; it looks like text in "
            f"{_narrow(beginning)}: save or send it as UTF-8"
        )
    return None


def _wide(raw: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: of ASCII every second byte, or three of four, are NUL."""
    if len(raw) < 4 or b"\0" not in raw[:4]:
        return None
    shape = bytes(byte != 0 for byte in raw[:4])
    return {
        b"\1\0\0\0": "UTF-32",
        b"\0\0\0\1": "UTF-32",
        b"\1\0\1\0": "UTF-16",
        b"\0\1\0\1": "UTF-16",
    }.get(shape)


def _narrow(raw: bytes) -> str:
    """An encoding of one or two bytes for a character."""
    high = sum(byte >= 0x80 for byte in raw)
    text = _decoded(raw, "gb18030")
    if text is not None:
        # a letter of Latin-1 stands alone among ASCII, and a character of GBK is two such bytes
        chinese = sum("\u4e00" <= char <= "\u9fff" for char in text)
        if chinese * 2 >= high * 0.8 and _in_pairs(raw):
            return "GBK"
    return "Latin-1 or Windows-1252"


def _in_pairs(raw: bytes) -> bool:
    """Whether the bytes of characters of GBK begin with what its usual ones do."""
    at = 0
    while at < len(raw):
        if raw[at] < 0x80:
            at += 1
        elif raw[at] < 0xB0 and not 0xA1 <= raw[at] <= 0xA9:
            return False
        else:
            if at + 1 < len(raw) and raw[at + 1] < 0x80:
                return False
            at += 2
    return True


def _decoded(raw: bytes, encoding: str) -> str | None:
    # the last character may have been cut
    for end in (len(raw), len(raw) - 1):
        try:
            return raw[:end].decode(encoding)
        except UnicodeDecodeError:
            continue
    return None
