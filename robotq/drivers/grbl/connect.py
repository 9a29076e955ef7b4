"""Making the link: what is done before the first line, and that nothing moves by it."""

from __future__ import annotations

import time
from collections.abc import Callable

from robotq.drivers.base import LinkLost
from robotq.drivers.gcode.lines import Line
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.grbl.protocol import Identity

_ANSWER_S = 8.0
"""Boards whose opening resets them take up to two seconds before they speak."""
_GREETING_S = 3.0
_IDENTITY_S = 2.0
_ASK_S = 0.25
_MOVING = frozenset({"Run", "Jog", "Home"})


def make_link(channel: Channel) -> tuple[Identity, bool]:
    """Open the port and wait until the controller answers.

    A controller that did not start anew may have half a line in its memory, and whatever comes
    next would complete it: so it is reset, which moves nothing while it stands. Where it still
    moves, that has to wait: the second value is then True. Raises LinkLost.
    """
    channel.open()
    try:
        return _made(channel)
    except LinkLost as error:
        channel.transport.close(error.reason)
        with channel.changed:
            channel.lost = error.reason
        raise


def _made(channel: Channel) -> tuple[Identity, bool]:
    _until_it_speaks(channel)
    greeted = channel.greeting is not None
    moving = _moving(channel)
    if not greeted and not moving:
        with channel.changed:
            channel.reset_expected = True
        _repeat(channel, b"\x18", lambda: channel.greeting is not None, _GREETING_S)
    _status_after(channel)
    return (Identity(), True) if moving else (_identity(channel), False)


def _until_it_speaks(channel: Channel) -> None:
    # asking does no harm: it is no line, and a bootloader skips it
    _repeat(
        channel,
        b"?",
        lambda: channel.greeting is not None or channel.status is not None,
        _ANSWER_S,
    )


def _status_after(channel: Channel) -> None:
    """A report that belongs to this opening, and comes after every greeting."""
    seen = channel.statuses
    _repeat(channel, b"?", lambda: channel.statuses != seen, _GREETING_S)


def _moving(channel: Channel) -> bool:
    status = channel.status
    if status is None:
        return False
    return status.state in _MOVING or (
        status.state in ("Hold", "Door") and status.substate not in (None, 0)
    )


def _identity(channel: Channel) -> Identity:
    """What it says of itself. A controller that is busy with itself may not tell."""
    identity = Identity()
    channel.begin()
    channel.put([Line(text="$I", number=0, codes=(), motion=False)])
    deadline = time.monotonic() + _IDENTITY_S
    while channel.outstanding and time.monotonic() < deadline:
        _wait(channel)
    if channel.outstanding:
        raise LinkLost("the controller does not answer a line")
    with channel.changed:
        for text in channel.told:
            identity.take(text)
        if channel.greeting is not None:
            identity.firmware = channel.greeting.text.partition("[")[0].strip()
    return identity


def _repeat(channel: Channel, byte: bytes, done: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    again = 0.0
    while not done():
        now = time.monotonic()
        if now > deadline:
            raise LinkLost("the controller does not answer; is it the right port and baud rate?")
        if now > again:
            channel.byte(byte)
            again = now + (_ASK_S if byte == b"?" else _GREETING_S / 2)
        _wait(channel)


def _wait(channel: Channel) -> None:
    with channel.changed:
        channel.changed.wait(0.02)
    if channel.lost is not None:
        raise LinkLost(channel.lost)
