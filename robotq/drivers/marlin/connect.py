"""Making the link: who is at the other end, and that nothing moves by asking."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from robotq.drivers.base import LinkLost, NotUnderstood
from robotq.drivers.identity import Recognition, Self
from robotq.drivers.marlin.talk.channel import Channel
from robotq.drivers.marlin.talk.counting import count_anew
from robotq.drivers.marlin.talk.lines import IDENTIFY
from robotq.drivers.marlin.talk.protocol import capability_in, self_in
from robotq.drivers.transport.heard import other_firmware, why_no_link

_CONNECT_S = 12.0
"""Boards whose opening resets them take some seconds before they listen."""
_TRY_S = 3.0
_ASK_S = 7.0
"""Without a word for so long, somebody else is looked for. It is asked three times meanwhile: a
board that waits for a person, or is at work, says so every two seconds, and what is sent to it only
fills its buffer."""
_NEWS_S = 2.5
_QUIET_S = 0.4
_WAKE_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the controller says of itself."""

    firmware: str = ""
    emergency_parser: bool = False
    told: Self = field(default_factory=Self)


class WaitsForPerson(Exception):
    """It has paused until a person presses its button, or M108 comes; it answers nothing before."""


def identify(
    channel: Channel,
    interrupted: Callable[[], bool],
    recognition: Recognition,
    *,
    listen: bool = False,
) -> Identity:
    """Count anew with the controller behind an open port, and see that it is the one that is
    meant. `listen`: for a moment, before anything is sent.

    Raises LinkLost, also as soon as `interrupted`; NotUnderstood `busy` where it is at work;
    WaitsForPerson.
    """
    identity = Identity()
    if listen:
        _Asking(channel, interrupted).listen()

    def ask() -> Self:
        nonlocal identity
        identity = _Asking(channel, interrupted).identity()
        return identity.told

    recognition.look(ask, once=channel.port.replay is not None)
    return identity


class _StartedAgain(Exception):
    """The controller has started while it was asked who it is."""


class _AtWork(Exception):
    """The controller does something that takes its time."""


class _Interrupted(LinkLost):
    def __init__(self) -> None:
        super().__init__("a stop came before the controller had answered")


class _Asking:
    def __init__(self, channel: Channel, interrupted: Callable[[], bool]) -> None:
        self._channel = channel
        self._interrupted = interrupted
        self._deadline = time.monotonic() + _CONNECT_S

    def identity(self) -> Identity:
        channel = self._channel
        while time.monotonic() < self._deadline:
            channel.begin()
            starts = channel.starts

            def unless_started(before: int = starts) -> None:
                self._check()
                if channel.starts != before:
                    raise _StartedAgain
                if channel.condition.busy:
                    raise _AtWork

            try:
                silence_s = min(_ASK_S, self._deadline - time.monotonic())
                count_anew(channel, silence_s, unless_started, attempt_s=_NEWS_S)
            except _StartedAgain:
                self._until_quiet()
                continue
            except _AtWork:
                self._until_done()
                continue
            except _Interrupted:
                raise
            except LinkLost:
                if channel.lost is not None:
                    raise
                self._unless_other()
                continue
            channel.put(IDENTIFY, 4, although_shut=True)
            identity = self._answer(starts)
            if identity is not None:
                return identity
            self._unless_other()
            self._until_quiet()
        raise self._why()

    def _unless_other(self) -> None:
        other = other_firmware(self._channel.transport.heard, "marlin")
        if other is not None:
            raise other

    def _why(self) -> NotUnderstood:
        channel = self._channel
        why = why_no_link(channel.transport.heard, driver="marlin", baud=channel.port.baud)
        if why.what != "silent":
            return why
        return NotUnderstood(
            why.what,
            f"{why.reason} After an emergency stop by M112 it has to be restarted; if it waits for "
            "a person without a word (M0, and HOST_KEEPALIVE_FEATURE is off), press its button",
        )

    def _check(self) -> None:
        if self._interrupted():
            raise _Interrupted
        if self._channel.condition.paused:
            raise WaitsForPerson

    def listen(self) -> None:
        """Until it has said what it does, and as long as it works; sends nothing."""
        until = min(self._deadline, time.monotonic() + _NEWS_S)
        while time.monotonic() < until and not self._channel.condition.busy:
            self._wait()
        self._until_done()

    def _until_done(self) -> None:
        """It reads what was sent to it when its work is over. Raises NotUnderstood where that
        takes long."""
        while self._channel.condition.busy:
            if time.monotonic() > self._deadline:
                raise NotUnderstood(
                    "busy",
                    'it is at work (it says "echo:busy: processing"); the link is made when it is '
                    "done. A restart of the board, or an emergency stop, breaks off what it does",
                )
            self._wait()

    def _wait(self) -> None:
        self._check()
        self._channel.wait(_WAKE_S)
        self._channel.require_link()

    def _answer(self, starts: int) -> Identity | None:
        channel = self._channel
        deadline = min(self._deadline, time.monotonic() + _TRY_S)
        while time.monotonic() < deadline and channel.starts == starts:
            self._check()
            channel.wait(_WAKE_S)
            with channel.still():
                told, done = channel.told(), not channel.lines_under_way
            channel.require_link()
            name = next((text for text in told if text.startswith("FIRMWARE_NAME:")), None)
            if name is not None and done:
                found = dict(filter(None, map(capability_in, told)))
                return Identity(
                    firmware=name.removeprefix("FIRMWARE_NAME:").partition(" SOURCE")[0],
                    emergency_parser=found.get("EMERGENCY_PARSER", False),
                    told=self_in(name),
                )
        return None

    def _until_quiet(self) -> None:
        """While it starts, it talks."""
        channel = self._channel
        deadline = time.monotonic() + _TRY_S
        while time.monotonic() - channel.heard_at < _QUIET_S and time.monotonic() < deadline:
            self._check()
            channel.wait(_WAKE_S)
