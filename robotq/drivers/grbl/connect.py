"""Making the link: what is done before the first line, and that nothing moves by it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from robotq.drivers.base import LinkLost
from robotq.drivers.gcode.reader.lines import Line
from robotq.drivers.grbl.channel import Channel
from robotq.drivers.grbl.protocol import Identity
from robotq.drivers.identity import Recognition, Self
from robotq.drivers.transport.heard import too_old, why_no_link

_ANSWER_S = 3.0
"""Boards whose opening resets them take up to two seconds before they speak."""
_RESET_S = 5.0
"""Those with a network take some more."""
_GREETING_S = 3.0
_IDENTITY_S = 2.0
_ASK_S = 0.25
_OTHERS_S = 1.0
"""In which another firmware says that it has not understood."""
SETTINGS = Line(text="$$", number=0, codes=(), motion=False)
WHO = Line(text="$I", number=0, codes=(), motion=False)
IN_INCHES = "the controller reports in inches: $13 has to be 0"
_MOVING = frozenset({"Run", "Jog", "Home"})


def meet(
    channel: Channel, interrupted: Callable[[], bool], recognition: Recognition, *, stop: bool
) -> tuple[Identity, bool]:
    """Wait until the controller behind the open port answers, and see that it is the one that is
    meant. `stop`: whatever it does, it is reset first.

    A controller that did not start anew may have half a line in its memory, and whatever comes
    next would complete it: so it is reset, which moves nothing while it stands. Where it still
    moves, that has to wait, and it does not say who it is: the second value is then True. Raises
    LinkLost, also as soon as `interrupted`.
    """
    return _Meeting(channel, interrupted, recognition).made(stop=stop)


class _Meeting:
    def __init__(
        self, channel: Channel, interrupted: Callable[[], bool], recognition: Recognition
    ) -> None:
        self._channel = channel
        self._interrupted = interrupted
        self._recognition = recognition

    def made(self, *, stop: bool) -> tuple[Identity, bool]:
        channel = self._channel
        if stop:
            channel.at_once(b"\x18")
        try:
            self._until_it_speaks()
            self._not_too_old()
            return self._met(stop=stop)
        except _Silent:
            raise self._why() from None

    def _met(self, *, stop: bool) -> tuple[Identity, bool]:
        channel = self._channel
        moving = not stop and _moving(channel)
        if channel.greeting is None and not moving:
            channel.expect_reset(not stop)
            self._until(self._greeted, _GREETING_S, say=b"\x18")
            self._not_too_old()
        self._status_after()
        # a greeting may be older than the motion
        moving = moving or (not stop and _moving(channel))
        return (Identity(), True) if moving else (self._identity(), False)

    def _greeted(self) -> bool:
        return self._channel.greeting is not None

    def _until_it_speaks(self) -> None:
        channel = self._channel

        def speaks() -> bool:
            return channel.greeting is not None or channel.status is not None

        try:
            # asking does no harm: it is no line, and a bootloader skips it
            self._until(speaks, _ANSWER_S, say=b"?")
        except _Silent:
            # after a limit switch was hit, Grbl waits for a reset and for nothing else
            self._until(speaks, _RESET_S, say=b"\x18")

    def _not_too_old(self) -> None:
        greeting = self._channel.greeting
        old = None if greeting is None else too_old(greeting.text)
        if old is not None:
            raise old

    def _why(self) -> LinkLost:
        """It did not answer as it should: who else is it?"""
        channel = self._channel
        if not channel.transport.heard:
            # firmware of other families answers a line, and says that it does not know it
            channel.at_once(b"\n")
            with suppress(_Silent):
                self._until(lambda: channel.transport.heard.endswith(b"\n"), _OTHERS_S)
        return why_no_link(channel.transport.heard, driver="grbl", baud=channel.port.baud)

    def _status_after(self) -> None:
        """A report that belongs to this opening, and comes after every greeting."""
        channel = self._channel
        seen = channel.statuses
        self._until(lambda: channel.statuses != seen, _GREETING_S, say=b"?")

    def _identity(self) -> Identity:
        """What it says of itself. A controller that is busy with itself may not tell."""
        channel = self._channel
        channel.begin()
        # it does not tell its settings in every state: then they are as they were, in millimetres
        self._answered(SETTINGS)
        if channel.inches:
            raise LinkLost(IN_INCHES)
        identity = Identity()

        def ask() -> Self:
            nonlocal identity
            channel.begin()
            self._answered(WHO)
            identity = identity_of(channel)
            return identity.told

        self._recognition.look(ask, once=channel.port.replay is not None)
        return identity

    def _answered(self, line: Line) -> None:
        channel = self._channel
        # also while an emergency stop is latched: asking who it is moves nothing
        channel.put([line], although_shut=True)
        try:
            self._until(lambda: not channel.lines_under_way, _IDENTITY_S)
        except _Silent:
            raise LinkLost("the controller does not answer a line") from None

    def _until(self, done: Callable[[], bool], timeout_s: float, say: bytes = b"") -> None:
        """Raises _Silent after `timeout_s`."""
        deadline = time.monotonic() + timeout_s

        def check() -> None:
            if self._interrupted():
                raise LinkLost("a stop came before the controller had answered")
            if time.monotonic() > deadline:
                raise _Silent

        every_s = _ASK_S if say == b"?" else _GREETING_S / 2
        self._channel.wait_for(done, check, say=say, every_s=every_s)


class _Silent(LinkLost):
    def __init__(self) -> None:
        super().__init__("the controller does not answer")


def identity_of(channel: Channel) -> Identity:
    """What it has said of itself since `begin`."""
    identity = Identity()
    for text in channel.told():
        identity.take(text)
    if channel.greeting is not None:
        identity.firmware = channel.greeting.firmware
    return identity


def _moving(channel: Channel) -> bool:
    status = channel.status
    if status is None:
        return False
    return status.state in _MOVING or (status.state in ("Hold", "Door") and not status.rests)
