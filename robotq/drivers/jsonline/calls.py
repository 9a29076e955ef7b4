"""Requests and their answers, over a wire that may lose either."""

from __future__ import annotations

import itertools
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from robotq.drivers.base import LinkLost
from robotq.drivers.jsonline.messages import DeviceFault, read_fault
from robotq.drivers.patience import Turns
from robotq.drivers.transport import Discarded
from robotq.model.json import JsonObject

_LONGEST_PAUSE_S = 1.0
_SESSION = 3
"""Bytes of what is random in an id."""


class CallRefused(Exception):
    """The device answered with an error."""

    def __init__(self, fault: DeviceFault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Silent(LinkLost):
    """No answer came in time."""


class Calls:
    """Sends requests until they are answered. Every request may be sent more than once: what
    it asks for is the same the second time, or the device knows its id.

    Ids begin with `session`, so that an answer from before the link broke fits none.
    """

    def __init__(
        self, send: Callable[[dict[str, Any]], None], session: str, *, first_pause_s: float
    ) -> None:
        self._send = send
        self._session = session
        self._first_pause_s = first_pause_s
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._open: dict[str, Mapping[str, Any] | None] = {}
        """The requests that wait, and their answers."""
        self._over: str | None = None

    def call(self, op: str, timeout_s: float, **fields: Any) -> JsonObject:
        """The device's answer. Raises CallRefused, and LinkLost where none came within
        `timeout_s` seconds or the link broke."""
        id_ = f"{self._session}.{next(self._numbers)}"
        turns = Turns(_LONGEST_PAUSE_S)
        deadline = turns.now() + timeout_s
        pause_s = self._first_pause_s
        with self._changed:
            self._open[id_] = None
        try:
            while (left := deadline - turns.now()) > 0:
                self._ask({"op": op, "id": id_, **fields})
                answer = self._wait(id_, min(pause_s, left))
                if answer is not None:
                    if "error" in answer:
                        raise CallRefused(read_fault(answer["error"]))
                    ok = answer.get("ok")
                    return ok if isinstance(ok, Mapping) else {}
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        finally:
            with self._changed:
                del self._open[id_]
        raise Silent(f"the device gave no answer to {op!r} within {timeout_s:g} s")

    def answered(self, message: Mapping[str, Any]) -> bool:
        """Take an answer; whether somebody waited for it."""
        id_ = message.get("id")
        with self._changed:
            if not isinstance(id_, str) or id_ not in self._open:
                return False
            self._open[id_] = message
            self._changed.notify_all()
        return True

    def end(self, reason: str) -> None:
        """The link is down: nobody waits any longer."""
        with self._changed:
            self._over = reason
            self._changed.notify_all()

    def _ask(self, request: dict[str, Any]) -> None:
        try:
            self._send(request)
        except Discarded:
            # an emergency stop came first; it is sent again after the pause
            return

    def _wait(self, id_: str, seconds: float) -> Mapping[str, Any] | None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._open[id_] is not None or self._over is not None, seconds
            )
            answer = self._open[id_]
            if answer is None and self._over is not None:
                raise LinkLost(self._over)
            return answer


def session_for(replay: Path | None) -> str:
    """What the ids of a connection begin with; of a recording, those in it."""
    return secrets.token_hex(_SESSION) if replay is None else _recorded_session(replay)


def _recorded_session(path: Path) -> str:
    """What the ids in a recording begin with: the answers in it have the same."""
    try:
        found = re.search(rf'\\"id\\":\\"([0-9a-f]{{{2 * _SESSION}}})\.1\\"', path.read_text())
    except OSError:
        # whoever opens it says so
        return ""
    return found[1] if found else ""
