"""Byte streams as scanners and bad wires make them, from a seed, and what is true of each.

A stream is pieces with their times. Beside it stands which codes were sent whole, and when the
first byte of each came: nothing else may be given to a read, and nothing of before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

GAP_S = 0.1
LATE_S = 1.0
USUAL = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_./ ]#;+"
BETWEEN = ("\x1d", "\t", "\x1e", "\x04", " ")
"""What stands in codes beside letters: separators, a TAB, EOT, blanks."""
LETTERS = {
    "utf-8": "äé瓶\u00a0\u2028",
    "latin-1": "äüß\u00a0",
    "shift_jis": "試薬ソ表",
    "gbk": "瓶子",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How a scanner is set up, and what robotq was told of it."""

    options: dict[str, Any]
    before: tuple[bytes, ...] = (b"",)
    end: bytes
    check: bool = False
    encoding: str = "utf-8"
    not_in_codes: str = ""
    only_pauses: bool = False
    """Nothing says where a code ends: half of one looks like one."""
    line_ends: bool = False

    def wire(self, code: bytes, random: Random) -> bytes:
        check = bytes([random.randrange(256)]) if self.check else b""
        return random.choice(self.before) + code + self.end + check


AIM = (b"]C0", b"]Q1", b"]d2", b"]E4")
CHECKED = {"end": "", "prefix": "\x02", "suffix": "\x03."}
SETUPS = [
    *(Setup(options={}, end=end, line_ends=True) for end in (b"\r", b"\n", b"\r\n")),
    Setup(options={"end": "\r"}, end=b"\r\n", line_ends=True),
    Setup(options={"end": "\n"}, end=b"\r\n", line_ends=True),
    Setup(options={"end": "\r\n"}, end=b"\r\n", line_ends=True),
    Setup(options={"end": "\x03"}, end=b"\x03"),
    Setup(options={"end": "\t"}, end=b"\t", not_in_codes="\t"),
    Setup(options={"end": ";"}, end=b";", not_in_codes=";"),
    Setup(options={"end": "\x03", "prefix": "\x02"}, before=(b"\x02",), end=b"\x03"),
    Setup(options=CHECKED, before=(b"\x02",), end=b"\x03", check=True),
    Setup(options={"end": "", "suffix": "#"}, end=b"#", not_in_codes="#"),
    Setup(options={"end": "", "prefix": "#", "suffix": ";"}, before=(b"#",), end=b";",
          not_in_codes="#;"),
    Setup(options={"strip": 3}, before=AIM, end=b"\r\n", line_ends=True),
    Setup(options={"prefix": r"\][A-Za-z][0-9]"}, before=AIM, end=b"\r", line_ends=True),
    Setup(options={"prefix": "\x02", "strip": 3}, before=tuple(b"\x02" + aim for aim in AIM),
          end=b"\r\n", line_ends=True),
    Setup(options={"encoding": "latin-1"}, end=b"\r\n", encoding="latin-1", line_ends=True),
    Setup(options={"encoding": "shift_jis"}, end=b"\r", encoding="shift_jis", line_ends=True),
    Setup(options={"encoding": "gbk"}, end=b"\r\n", encoding="gbk", line_ends=True),
    Setup(options={"end": ""}, end=b"", only_pauses=True),
]  # fmt: skip


@dataclass(slots=True)
class Stream:
    seed: int
    setup: Setup
    pieces: list[tuple[float, bytes | None]] = field(default_factory=list)
    """None: the link breaks, and is made again at once."""
    whole: list[tuple[float, str]] = field(default_factory=list)
    """Each code that was sent whole, and when its first byte came."""
    now: float = 0.0

    def send(self, data: bytes, random: Random) -> float:
        """In pieces, with less than a pause between them; returns when the first one came."""
        began = self.now
        while data:
            size = random.choice((1, 2, len(data), len(data)))
            self.pieces.append((self.now, data[:size]))
            data = data[size:]
            self.now += random.choice((0.0, 0.001, GAP_S * 0.9)) if data else 0.0
        return began


def stream(seed: int) -> Stream:
    random = Random(seed)
    made = Stream(seed, random.choice(SETUPS))
    happenings = [_whole, _whole, _whole, _whole, _silence]
    if not made.setup.only_pauses:
        happenings += [
            _half,
            _two_halves,
            _broken,
            _noise,
            _spoilt,
            _two_in_one_go,
            _twice,
            _no_read,
        ]
        happenings += [_ends] if made.setup.line_ends else []
    for _ in range(random.randint(1, 6)):
        random.choice(happenings)(made, random)
        # a pause that is one, and now and then one in which a read begins and ends
        made.now += GAP_S * 1.1 + random.choice((0.0, 0.05, 0.5, 2.0, 6.0))
    return made


def _code(setup: Setup, random: Random) -> str:
    length = random.choice((1, 2, 5, 8, 13, 40, random.randint(1, 1_500)))
    letters = USUAL + LETTERS[setup.encoding]
    code = "".join(
        random.choice(BETWEEN) if random.random() < 0.1 else random.choice(letters)
        for _ in range(length)
    )
    code = "".join(letter for letter in code if letter not in setup.not_in_codes)
    half = code[: len(code) // 2]
    return code if code and code != half * 2 else "7"


def _framed(made: Stream, random: Random) -> tuple[str, bytes]:
    code = _code(made.setup, random)
    return code, made.setup.wire(code.encode(made.setup.encoding), random)


def _whole(made: Stream, random: Random) -> None:
    code, wire = _framed(made, random)
    made.whole.append((made.send(wire, random), code))


def _silence(made: Stream, random: Random) -> None:
    made.now += random.random()


def _cut(made: Stream, random: Random) -> tuple[bytes, bytes]:
    """A code in two halves, neither of which is all of it."""
    _, wire = _framed(made, random)
    most = len(wire) - len(made.setup.end) - made.setup.check
    at = random.randint(1, max(1, most))
    return wire[:at], wire[at:]


def _half(made: Stream, random: Random) -> None:
    made.send(_cut(made, random)[0], random)


def _two_halves(made: Stream, random: Random) -> None:
    first, second = _cut(made, random)
    made.send(first, random)
    # the end of a code before may still have been on its way: it is quiet, and goes on
    made.now += GAP_S * 1.01 + random.random() * LATE_S * 0.95
    made.send(second, random)


def _broken(made: Stream, random: Random) -> None:
    first, second = _cut(made, random)
    made.send(first, random)
    made.pieces.append((made.now, None))
    made.now += random.random() * LATE_S * 0.95
    made.send(second, random)


def _noise(made: Stream, random: Random) -> None:
    """Without an end, as a bad plug makes it."""
    bad = bytes(byte for byte in random.randbytes(random.randint(1, 20)) if byte not in b"\r\n;\t#")
    made.send(bad.replace(b"\x03", b"") + b"\0", random)


def _spoilt(made: Stream, random: Random) -> None:
    """A byte in a code that no code has."""
    _, wire = _framed(made, random)
    at = random.randint(0, len(wire) - 1)
    byte = random.choice((b"\0", b"\0", b"\x02", b"\x15"))
    made.send(wire[:at] + byte + wire[at:], random)


def _two_in_one_go(made: Stream, random: Random) -> None:
    first, second = _framed(made, random), _framed(made, random)
    between = random.choice((b"", b"", b"\0"))
    began = made.send(first[1] + between + second[1], random)
    if first[0] == second[0]:
        made.whole.append((began, first[0]))


def _twice(made: Stream, random: Random) -> None:
    code, wire = _framed(made, random)
    made.whole.append((made.send(wire * random.randint(2, 3), random), code))


def _no_read(made: Stream, random: Random) -> None:
    said = random.choice((b"NOREAD", b"NO READ", b"ERROR", b"no_read"))
    made.send(made.setup.wire(said, random), random)


def _ends(made: Stream, random: Random) -> None:
    """Ends of lines without a line, and the other half of one that came late."""
    if random.random() < 0.5:
        made.send(random.choice((b"\r", b"\n", b"\r\n", b"\n\n")), random)
        return
    code, wire = _framed(made, random)
    end: Callable[[], bytes] = lambda: random.choice((b"\r", b"\n", b"\r\n"))  # noqa: E731
    shape = random.choice((wire + end(), end() + wire, wire[:-1] + end()))
    began = made.send(shape, random)
    made.whole.append((began, code))
