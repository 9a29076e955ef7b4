"""Making the link: who is at the other end, and that nothing moves by asking."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from robotq.drivers.base import LinkLost, NotUnderstood
from robotq.drivers.identity import Recognition, Self
from robotq.drivers.marlin.channel import Channel
from robotq.drivers.marlin.counting import count_anew
from robotq.drivers.marlin.lines import IDENTIFY
from robotq.drivers.marlin.protocol import capability_in, self_in
from robotq.drivers.transport.heard import other_firmware, why_no_link

_CONNECT_S = 12.0
"""Boards whose opening resets them take some seconds before they listen."""
_TRY_S = 3.0
_QUIET_S = 0.4
_WAKE_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the controller says of itself."""

    firmware: str = ""
    emergency_parser: bool = False
    told: Self = field(default_factory=Self)


def identify(
    channel: Channel, interrupted: Callable[[], bool], recognition: Recognition
) -> Identity:
    """Count anew with the controller behind an open port, and see that it is the one that is
    meant. Raises LinkLost, also as soon as `interrupted`."""
    identity = Identity()

    def ask() -> Self:
        nonlocal identity
        identity = _Asking(channel, interrupted).identity()
        return identity.told

    recognition.look(ask, once=channel.is_replay)
    return identity


class _StartedAgain(Exception):
    """The controller has started while it was asked who it is."""


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

            try:
                count_anew(channel, min(_TRY_S, self._deadline - time.monotonic()), unless_started)
            except _StartedAgain:
                self._until_quiet()
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
        why = why_no_link(channel.transport.heard, driver="marlin", baud=channel.baud)
        if why.what != "silent":
            return why
        return NotUnderstood(
            why.what, f"{why.reason} After an emergency stop by M112 it has to be restarted"
        )

    def _check(self) -> None:
        if self._interrupted():
            raise _Interrupted

    def _answer(self, starts: int) -> Identity | None:
        channel = self._channel
        deadline = min(self._deadline, time.monotonic() + _TRY_S)
        while time.monotonic() < deadline and channel.starts == starts:
            self._check()
            with channel.changed:
                channel.changed.wait(_WAKE_S)
                told = list(channel.told)
                done = not channel.outstanding
            if channel.lost is not None:
                raise LinkLost(channel.lost)
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
        while time.monotonic() - channel.last_heard < _QUIET_S and time.monotonic() < deadline:
            self._check()
            with channel.changed:
                channel.changed.wait(_WAKE_S)
