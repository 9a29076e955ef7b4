"""What Marlin and its relatives say, as they were observed to say it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotq.drivers.marlin.talk.protocol import (
    Busy,
    Chatter,
    Complaint,
    Halted,
    Ok,
    Position,
    Resend,
    Started,
    Told,
    Unknown,
    framed,
    parse,
)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"ok", Ok()),
        (b"ok T:19.37 /0.00 B:20.00", Ok("T:19.37 /0.00 B:20.00")),
        (b"ok N10 P15 B3", Ok("N10 P15 B3", 10)),
        (b"okay", Told("okay")),
        (b"start", Started()),
        (b"\xff\x00start", Started()),
        (b"echo:Marlin 2.1.2", Started()),
        (b"Marlin bugfix-2.1.x", Started()),
        (b" External Reset", Started()),
        (b"wait", Chatter("wait")),
        (b" T:19.37 /0.00 B:20.00 /0.00 @:0 B@:0", Chatter("T:19.37 /0.00 B:20.00 /0.00 @:0 B@:0")),
        (b" T:21.00 /50.00 W:?", Told("T:21.00 /50.00 W:?")),
        (b"echo:busy: processing", Busy()),
        (b"busy:processing", Busy()),
        (b"Resend: 3", Resend(3)),
        (b"Resend:1", Resend(1)),
        (b"Error:checksum mismatch, Last Line: 2", Resend(3)),
        (b"Error: Missing checksum", Resend(None)),
        (b"Error:Line Number is not Last Line Number+1, Last Line: 57", Resend(58)),
        (b"Error:G2/G3 bad parameters", Complaint("Error:G2/G3 bad parameters")),
        (b'echo:Unknown command: "FOO"', Unknown("FOO", 'echo:Unknown command: "FOO"')),
        (b"echo:Home XYZ First", Complaint("echo:Home XYZ First")),
        (b"echo:endstops hit:  X:1.20", Complaint("echo:endstops hit:  X:1.20")),
        (b"echo:M112 Shutdown", Halted("M112 Shutdown")),
        (b"Error:Printer halted. kill() called!", Halted("Printer halted. kill() called!")),
        (b"X:10.00 Y:-5.00 Z:0.50 E:0.00 Count X:800", Position((10.0, -5.0, 0.5))),
    ],
)
def test_line__means(line: bytes, said: object) -> None:
    assert parse(line) == said


@given(st.binary(max_size=80))
def test_anything__can_be_heard(line: bytes) -> None:
    parse(line)


def test_frame__has_the_checksum_of_the_documentation() -> None:
    assert framed(3, "T0") == b"N3 T0*57\n"


@given(st.integers(1, 10**6), st.text(alphabet="GMXYZ0123456789. -", min_size=1, max_size=60))
def test_frame__is_one_line_whose_checksum_is_right(number: int, text: str) -> None:
    data = framed(number, text)
    body, _, checksum = data.rstrip(b"\n").rpartition(b"*")
    total = 0
    for byte in body:
        total ^= byte
    assert data.count(b"\n") == 1
    assert int(checksum) == total
