"""Sees between two commands whether there is still somebody at the other end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from robotq.drivers.base import Busy, LinkLost
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.marlin.state import State
from robotq.drivers.marlin.talk.channel import Channel
from robotq.drivers.marlin.talk.counting import count_anew

_log = logging.getLogger(__name__)

_HEARTBEAT_S = 4.0
_TICK_S = 0.2


class Heartbeat:
    """A thread of its own until `end`: Marlin says nothing while nobody asks it."""

    def __init__(
        self,
        robot: str,
        state: State,
        channel: Channel,
        controls: Controls,
        meet_again: Callable[[], None],
    ) -> None:
        """`meet_again` sees who it is that has waited for a person; raises LinkLost."""
        self._robot = robot
        self._state = state
        self._channel = channel
        self._controls = controls
        self._meet_again = meet_again
        self._ended = threading.Event()
        threading.Thread(target=self._run, name=f"{robot}-heartbeat", daemon=True).start()

    def end(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        channel = self._channel
        due = time.monotonic() + _HEARTBEAT_S
        while not self._ended.wait(_TICK_S):
            if channel.lost is not None:
                due = time.monotonic() + _HEARTBEAT_S
                continue
            if channel.condition.halted is not None:
                channel.transport.lose(
                    f"the controller has halted ({channel.condition.halted}); restart it"
                )
                continue
            if self._state.waits:
                self._meet_where_it_goes_on()
                continue
            if time.monotonic() < due or channel.gate.is_shut or channel.condition.paused:
                continue
            with channel.turn_if_free() as ours:
                if ours:
                    self._beat()
                    due = time.monotonic() + _HEARTBEAT_S

    def _meet_where_it_goes_on(self) -> None:
        if self._channel.condition.paused:
            return
        with self._channel.turn_if_free() as ours:
            try:
                if ours:
                    self._meet_again()
            except LinkLost as error:
                _log.warning("%s: it has gone on, and there is no link: %s", self._robot, error)

    def _beat(self) -> None:
        channel = self._channel

        def unless_running() -> None:
            over = channel.gate.is_shut or channel.condition.halted is not None
            if self._controls.running or over or channel.condition.paused:
                raise Busy

        try:
            channel.begin()
            count_anew(channel, self._state.options.answer_timeout_s, unless_running)
        except Busy:
            return
        except LinkLost as error:
            channel.transport.lose(error.reason)
        finally:
            # whatever is left of it must not count for a command
            self._state.unsynchronised = True
