"""What controllers of the GRBL family say, as they were observed to say it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotq.drivers.grbl.faults import error_text
from robotq.drivers.grbl.protocol import Alarm, Error, Greeting, Identity, Ok, Status, Told, parse


@pytest.mark.parametrize(
    "line",
    [
        b"Grbl 1.1h ['$' for help]",
        b"GrblHAL 1.1f ['$' or '$HELP' for help]",
        b"Grbl 4.0 [FluidNC v4.0.5-pre2 (linux-capture) '$' for help]",
    ],
)
def test_greeting__of_every_member_of_the_family(line: bytes) -> None:
    said = parse(line)
    assert isinstance(said, Greeting)
    assert said.hal is line.startswith(b"GrblHAL")
    for at in range(len(line)):
        damaged = line[:at] + b"\x7f" + line[at + 1 :]
        assert isinstance(parse(damaged), Greeting), damaged
        lacking = line[:at] + line[at + 1 :]
        assert isinstance(parse(lacking), Greeting), lacking


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"ok", Ok()),
        (b" ok", Ok()),
        (b"ook", Told("ook")),
        (b"okok", Told("okok")),
        (b"error:20", Error(20)),
        (b"error:2x", Told("error:2x")),
        (b"ALARM:3", Alarm(3)),
        (b">:error:7", Told(">:error:7")),
        (b">G0X0:ok", Told(">G0X0:ok")),
        (b"[MSG:Caution: Unlocked]", Told("[MSG:Caution: Unlocked]")),
        (b"", Told("")),
    ],
)
def test_line__means(line: bytes, said: object) -> None:
    assert parse(line) == said


def test_status__tells_only_what_is_in_it() -> None:
    assert parse(b"<Hold:0|MPos:1.000,-2.500,0.000|Bf:100,1023|FS:78,0|Pn:XZ>") == Status(
        state="Hold", substate=0, machine_mm=(1.0, -2.5, 0.0), feed=78.0, pins="XZ"
    )
    assert parse(b"<Idle|WPos:1.000,2.000,3.000|F:0|WCO:0.000,0.000,1.000>") == Status(
        state="Idle", work_mm=(1.0, 2.0, 3.0), offset_mm=(0.0, 0.0, 1.0), feed=0.0
    )


@pytest.mark.parametrize(
    "line",
    [b"<Idle|MPos:1.0,2", b"<Idle|MPos:1.0,x,2>", b"<Id1e|MPos:0,0>", b"<Idle|MPos>", b"<>"],
)
def test_status__that_was_damaged_on_the_way_is_none(line: bytes) -> None:
    assert isinstance(parse(line), Told)


@given(st.binary(max_size=80))
def test_anything__can_be_heard(line: bytes) -> None:
    parse(line)


def test_room__is_what_the_controller_says_less_one() -> None:
    for option, room in [
        ("[OPT:V,15,128]", 127),
        ("[OPT:VNMPHSL2,100,1024,3,0]", 1023),
        ("[OPT:PHS]", 127),
        ("[OPT:V,15,99999999]", 127),
    ]:
        identity = Identity()
        identity.take(option)
        assert identity.receive_bytes == room


def test_error__is_told_in_words() -> None:
    assert error_text(20) == "error:20, an unsupported or invalid G-code"
    assert "see the firmware" in error_text(99)
