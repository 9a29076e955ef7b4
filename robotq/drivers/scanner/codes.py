"""From what a scanner sent in one go to the code that it read, or to why there is none.

A code that may be another one is worse than none. So nothing inside a code is changed, and
whatever does not look as it is configured is refused, with what was heard.
"""

from __future__ import annotations

import re

from robotq.drivers.scanner.options import CodeOptions

LONGEST = 7_089
"""Characters: the digits that the largest QR code holds. Of letters it holds 4,296."""
MOST_BYTES = 65_536
"""Bytes in one go; more is no code."""
_SHOWN = 60
_ENDS = re.compile(rb"\r\n|\r|\n")
_LINE_ENDS = (None, b"\r", b"\n", b"\r\n")
_OF_LINKS = re.compile("[\x01\x02\x03\x05\x06\x10\x11\x13\x15\x16\x17\x18]")
"""SOH STX ETX ENQ ACK DLE XON XOFF NAK SYN ETB CAN: they stand around codes, not in them. EOT and
the separators do stand in codes (ISO 15434)."""


class NotACode(Exception):
    """What came is no code, or may be another one. Its text says why."""


def code_in(burst: bytes, options: CodeOptions) -> str | None:
    """The code in all that came between two pauses; None where the scanner says that it read
    nothing. The same code twice in one go is one code. Raises NotACode."""
    codes = []
    for frame in _frames(burst, options):
        code = _code(frame, options)
        if code is not None and code not in codes:
            codes.append(code)
    if len(codes) > 1:
        raise NotACode(f"it read {len(codes)} codes in one go: {_shown(burst)}")
    return codes[0] if codes else None


def _frames(burst: bytes, options: CodeOptions) -> list[bytes]:
    """What stands between the ends. Empty ones do not count."""
    end = options.end
    if end == b"":
        return _without_end(burst, options)
    if end is None:
        last = list(_ENDS.finditer(burst))
        if not last or last[-1].end() != len(burst):
            raise NotACode(f"it sent {_shown(burst)} without an end of line; see `end`")
        end = last[-1][0]
    *frames, rest = burst.split(end)
    other = {b"\r": b"\n", b"\n": b"\r"}.get(end, b"")
    if rest and rest != other:
        raise NotACode(f"it sent {_shown(burst)}, and {_shown(end)} ends a code; see `end`")
    if end == b"\r":
        # the other half of CR LF stands in front of the next one
        frames = [frame.removeprefix(b"\n") for frame in frames]
    elif end == b"\n":
        frames = [frame.removesuffix(b"\r") for frame in frames]
    if not any(frames):
        return []
    if options.end in _LINE_ENDS and any(frame.strip(b"\r\n") != frame for frame in frames):
        raise NotACode(f"{_shown(burst)} has more line ends than one; see `end`")
    if not all(frames):
        raise NotACode(f"it sent {_shown(end)} twice in a row: {_shown(burst)}; see `end`")
    return frames


def _without_end(burst: bytes, options: CodeOptions) -> list[bytes]:
    """Where only the pause ends a code, two without a pause between them look like one."""
    if not burst:
        return []
    half = burst[: len(burst) // 2]
    if burst == half * 2:
        if not _framed(half, options):
            raise NotACode(f"it sent {_shown(burst)}: twice the same code, or one; set an `end`")
        burst = half
    if _second_within(burst, options):
        raise NotACode(f"it read more than one code in one go: {_shown(burst)}")
    return [burst]


def _framed(frame: bytes, options: CodeOptions) -> bool:
    """Whether something stands in front of the code, or behind it, that says where it is."""
    before = options.prefix and options.prefix.match(frame)
    return bool(before and before[0]) or (
        options.suffix is not None
        and not options.suffix.fullmatch(b"")
        and any(options.suffix.fullmatch(frame, n) for n in range(len(frame)))
    )


def _second_within(burst: bytes, options: CodeOptions) -> bool:
    """Whether what stands around a code is found once more in the middle."""
    prefix, suffix = options.prefix, options.suffix
    first = 0
    if prefix is not None:
        found = prefix.match(burst)
        first = found.end() if found else 0
    if suffix is None:
        return prefix is not None and _found_within(prefix, burst, first)
    ended = suffix.search(burst, first)
    if ended is None or ended.end() == len(burst) or not ended[0]:
        return False
    if prefix is None:
        # a check byte alone fits everything
        return not all(suffix.fullmatch(bytes([byte])) for byte in b"0Az~")
    return _found_within(prefix, burst, ended.start() + 1)


def _found_within(prefix: re.Pattern[bytes], burst: bytes, first: int) -> bool:
    found = prefix.search(burst, first)
    return found is not None and found[0] != b""


def _code(frame: bytes, options: CodeOptions) -> str | None:
    if _says_no_read(frame, options):
        return None
    inner = _without_affixes(frame, options)
    if inner != frame and _says_no_read(inner, options):
        return None
    try:
        text = inner.decode(options.encoding)
    except UnicodeError as error:
        raise NotACode(
            f"{_shown(inner)} is no text in {options.encoding}; see `encoding`"
        ) from error
    if text.encode(options.encoding) != inner:
        # two different codes would be equal
        raise NotACode(f"{_shown(inner)} is not as {options.encoding} has it; see `encoding`")
    if "\0" in text:
        raise NotACode(f"{_shown(inner)} holds a NUL, as a wrong baud rate brings it")
    if _OF_LINKS.search(text):
        raise NotACode(f"{_shown(inner)} holds what stands around codes; see `prefix`, `suffix`")
    code = text[options.strip :]
    if any(pattern.fullmatch(code) for pattern in options.no_read):
        return None
    if not code:
        raise NotACode(f"nothing is left of {_shown(frame)} without what stands around the code")
    if len(code) > LONGEST:
        raise NotACode(f"{len(code)} characters are more than a code can hold")
    return code


def _says_no_read(data: bytes, options: CodeOptions) -> bool:
    try:
        text = data.decode(options.encoding)
    except UnicodeError:
        return False
    return any(pattern.fullmatch(text) for pattern in options.no_read)


def _without_affixes(frame: bytes, options: CodeOptions) -> bytes:
    first, last = 0, len(frame)
    if options.prefix is not None:
        found = options.prefix.match(frame)
        if found is None:
            raise NotACode(f"{_shown(frame)} does not begin as `prefix` says")
        first = found.end()
    if options.suffix is not None:
        # the longest one that reaches to the end
        starts = range(first, last + 1)
        start = next((n for n in starts if options.suffix.fullmatch(frame, n)), None)
        if start is None:
            raise NotACode(f"{_shown(frame)} does not end as `suffix` says")
        last = start
    return frame[first:last]


def _shown(data: bytes) -> str:
    text = ascii(data.decode("latin-1"))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 4]}...' ({len(data)} bytes)"
