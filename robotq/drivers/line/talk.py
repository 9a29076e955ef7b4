"""Questions to a device and their answers, one at a time; and never the answer of another one.

A device carries out lines in the order in which it gets them, and answers in that order. So an
answer that came too late, or that nobody asked for, puts both sides out of step: the next answer
may be that of the question before. Then, before anything else is asked, the device gets a
question whose answer is like no other one, and everything that comes before this answer is
dropped. Where that answer does not come in time, the link is opened anew.
"""

from __future__ import annotations

import itertools
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from robotq.drivers.base import Busy, DriverError, LinkLost
from robotq.drivers.line.frame import IDS, NoLine
from robotq.drivers.line.options import LineOptions
from robotq.drivers.line.ready import Question, text_of, typed
from robotq.drivers.patience import Turns
from robotq.drivers.transport import Transport
from robotq.drivers.transport.lines import LineFramer
from robotq.model.json import JsonObject

_log = logging.getLogger(__name__)

Guard = Callable[[], None]
"""Raises what has befallen the caller, a stop for example."""

_LOOK_S = 0.1
_WAITING = 64
"""Lines that wait to be looked at; a device that sends more unasked is out of step anyway."""
_RESTARTED = "the device has started anew"
_LINE_LIMIT = 65_536
_STOP_TURN_S = 0.4
"""Wall seconds that a stop waits for the line that is being written: half a line and a stop
behind it could be another line."""
_STOP_GAP_S = 0.1
"""Longest pause between two lines of a stop."""


class NoAnswer(Exception):
    """None came in time, or none that makes sense. Whether the line was carried out nobody
    knows."""


class Talk:
    """The link to one device. All methods may be called from any thread."""

    def __init__(self, robot: str, options: LineOptions, on_lost: Callable[[str], None]) -> None:
        ready = options.ready
        self.ready = ready
        self._robot = robot
        self._told = on_lost
        self._transport = Transport(
            robot, options.port, on_data=self._on_data, on_lost=self._on_lost
        )
        self._framer = LineFramer(self._on_line, limit=_LINE_LIMIT, end=ready.frame.receive_end)
        self._turn = threading.Lock()
        """Held from a question to its answer."""
        self._sending = threading.Lock()
        """Held while a line is written."""
        self._changed = threading.Condition()
        self._lines: deque[bytes] = deque(maxlen=_WAITING)
        self._broken: str | None = "not connected yet"
        self._asking = False
        """Somebody waits for an answer."""
        self._unanswered = False
        """The last line was one to which the device says nothing."""
        self._out_of_step = True
        self._stops = 0
        """Lines that were sent before everything else; nobody has read their answers."""
        self._stops_read = 0
        """Those after whose answers both sides were in step."""
        self._owed = 0
        """Answers to the question of `sync` that have not come."""
        self._written_off = 0
        """Those that are waited for no more, and may come all the same."""
        self._known: tuple[str, ...] | None = None
        """What the device says of itself in these answers."""
        self.made = False
        """The device has answered all that it is asked at a connection; before that, it may well
        say that it was switched on: opening a port does that to some."""
        self.restarted = False
        """The link is down because the device was switched on."""
        self._numbers = itertools.cycle(range(1, IDS))
        self._number = 0
        self._answered_at = 0.0
        self.dropped = 0
        """Lines that were nobody's answer."""
        self.resyncs = 0

    # -- the link ------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        return self._transport.is_open

    @property
    def port_name(self) -> str | None:
        return self._transport.port_name

    @property
    def heard(self) -> bytes:
        return self._transport.heard

    def open(self) -> None:
        """Raises LinkLost."""
        with self._changed:
            self._lines.clear()
            self._framer.clear()
            self._broken, self._known = None, None
            self._out_of_step, self.made, self.restarted = True, False, False
        self._transport.open()

    def lose(self, reason: str) -> None:
        self._transport.lose(reason)

    def close(self, reason: str) -> None:
        """Nobody is told."""
        with self._changed:
            self._broken = reason
            self._changed.notify_all()
        self._transport.close(reason)

    def shut(self) -> None:
        self.close("closed")
        self._transport.shut()

    def accept_board(self) -> None:
        self._transport.accept_board()

    def wake(self) -> None:
        """Have whoever waits look at its guard."""
        with self._changed:
            self._changed.notify_all()

    # -- asking --------------------------------------------------------------------------------

    def ask(
        self,
        question: Question,
        scope: Mapping[str, Any],
        guard: Guard,
        *,
        sent: Callable[[], None] = lambda: None,
        wait_s: float | None = None,
    ) -> tuple[str, JsonObject]:
        """Send a line and give its answer, whole and as its groups; both empty where none is
        expected. `sent` is called before a byte of it goes out; `wait_s`: the longest time to
        wait for a question that somebody else has asked.

        Raises NoAnswer, DriverError for what the device refuses, LinkLost, Busy, and what
        `guard` does.
        """
        line = text_of(question.line, scope)
        until = time.monotonic() + question.answer_s
        while True:
            with self._my_turn(wait_s):
                self._get_in_step(guard)
                answer = self._exchange(question, line, guard, sent)
            if answer is None:
                return "", {}
            if not any(each.fullmatch(answer) for each in question.busy):
                return answer, self._understood(question, line, answer)
            # it has refused the line, so it may be sent again
            if time.monotonic() > until:
                raise DriverError(f"{line!r}: it is busy: {answer}", busy=answer)
            self.pause(self.ready.device.busy_s, guard)

    def pause(self, seconds: float, guard: Guard) -> None:
        """Let time pass. Raises what `guard` does, at once."""
        deadline = time.monotonic() + seconds
        while True:
            guard()
            with self._changed:
                if self._broken is not None:
                    raise LinkLost(self._broken)
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(min(left, _LOOK_S))

    def get_in_step(self, guard: Guard) -> None:
        """Wait until no late answer can come any more. Raises LinkLost."""
        with self._my_turn(None):
            self._get_in_step(guard)

    def confirm(self, guard: Guard) -> None:
        """Know that the device has got the last line, also where it says nothing to it: it
        answers what it is asked behind it. Raises LinkLost."""
        with self._my_turn(None):
            if self._unanswered and self.ready.sync is not None:
                self.sync(guard)

    def now(self, lines: Sequence[str]) -> None:
        """Send lines before everything else, without waiting for answers. Raises LinkLost."""
        if not self._sending.acquire(timeout=_STOP_TURN_S):
            raise LinkLost("the device takes no bytes")
        try:
            for index, line in enumerate(lines):
                if index:
                    time.sleep(min(self.ready.device.gap_s, _STOP_GAP_S))
                self._stops += 1
                self._transport.write_now(self.ready.frame.out(line, 0))
        finally:
            self._sending.release()

    @contextmanager
    def _my_turn(self, wait_s: float | None) -> Iterator[None]:
        if not self._turn.acquire(timeout=-1 if wait_s is None else wait_s):
            raise Busy
        try:
            yield
        finally:
            self._turn.release()

    def _exchange(
        self, question: Question, line: str, guard: Guard, sent: Callable[[], None]
    ) -> str | None:
        """The answer; None where none is expected."""
        gap_s = self._answered_at + self.ready.device.gap_s - time.monotonic()
        if gap_s > 0:
            self.pause(gap_s, guard)
        number = next(self._numbers)
        data = self._out(line, number)
        try:
            self._begin(number)
            answered = question.expect is not None or self.ready.device.echo
            self._write(data, guard, sent, answered=answered)
            if not answered:
                return None
            return self._answer(question, data, guard)
        finally:
            with self._changed:
                self._asking = False
            self._answered_at = time.monotonic()

    def _out(self, line: str, number: int) -> bytes:
        try:
            return self.ready.frame.out(line, number)
        except NoLine as error:
            raise DriverError(str(error), code="bad_parameter", field="params") from error

    def _begin(self, number: int) -> None:
        with self._changed:
            if self._broken is not None:
                raise LinkLost(self._broken)
            self.dropped += len(self._lines)
            self._lines.clear()
            self._number = number
            self._asking = True

    def _write(
        self, data: bytes, guard: Guard, sent: Callable[[], None], *, answered: bool = True
    ) -> None:
        with self._sending:
            # a stop comes before this line or behind it, never in between
            guard()
            sent()
            # until its answer is there
            self._out_of_step = answered and not self.ready.frame.has_ids
            self._unanswered = not answered
            self._transport.write(data)

    def _answer(self, question: Question, data: bytes, guard: Guard) -> str | None:
        turns = Turns(_LOOK_S)
        deadline = turns.now() + question.answer_s
        echo = self.ready.frame.echo_of(data) if self.ready.device.echo else None
        while (raw := self._next(turns, deadline, guard)) is not None:
            if echo is not None:
                if raw.strip(b" \t") != echo:
                    # of the question before: what belongs to this one comes behind its echo
                    self.dropped += 1
                    continue
                echo = None
                if question.expect is None:
                    self._in_step()
                    return None
                continue
            answer = self.ready.frame.read(raw, self._number)
            if answer is None or self._is_late_sync(question, answer):
                self.dropped += 1
            elif any(each.fullmatch(answer) for each in question.pending):
                deadline = turns.now() + question.answer_s
            else:
                self._in_step()
                return answer
        raise NoAnswer(f"no answer to {_shown(data)} within {question.answer_s:g} s")

    def _in_step(self) -> None:
        with self._changed:
            # what came behind the answer is nobody's
            self._out_of_step = bool(self._lines) or self._framer.begun
            self._asking = False

    def _is_late_sync(self, question: Question, answer: str) -> bool:
        sync = self.ready.sync
        if not self._written_off or sync is None or question is sync:
            return False
        if said_in(sync, answer) != self._known:
            return False
        self._written_off -= 1
        return True

    def _next(self, turns: Turns, deadline: float, guard: Guard) -> bytes | None:
        """The next line; None where none comes in time."""
        while True:
            guard()
            unread = self._transport.holds_unread()
            with self._changed:
                if self._lines:
                    return self._lines.popleft()
                if self._broken is not None:
                    raise LinkLost(self._broken)
                left = deadline - turns.now()
                # where something came that nobody has read, it is we who are slow
                if left <= 0 and not unread:
                    return None
                self._changed.wait(min(max(left, 0.001), _LOOK_S))

    def _understood(self, question: Question, line: str, answer: str) -> JsonObject:
        for pattern, meaning in question.errors:
            found = pattern.fullmatch(answer)
            if found is not None:
                raise DriverError(_meaning(meaning, found), line=line, answer=answer)
        found = None if question.expect is None else question.expect.fullmatch(answer)
        if found is None:
            self._out_of_step = True
            raise NoAnswer(f"{line!r} was answered with {answer!r:.200}, which is not expected")
        groups = found.groupdict()
        try:
            return {name: typed(name, groups[name], question.types[name]) for name in groups}
        except ValueError as error:
            self._out_of_step = True
            raise NoAnswer(f"{line!r} was answered with {answer!r:.200}: {error}") from error

    # -- in step -------------------------------------------------------------------------------

    def _get_in_step(self, guard: Guard) -> None:
        with self._changed:
            if self._broken is not None:
                raise LinkLost(self._broken)
            behind = self._out_of_step or self._stops != self._stops_read
            behind = behind or bool(self._lines) or self._framer.begun
        if not behind or self.ready.sync is None:
            # without such a question, answers have ids
            return
        self.resyncs += 1
        self.sync(guard)

    def sync(self, guard: Guard) -> str:
        """Drop whatever still comes; the answer to the question that ends it. The turn is the
        caller's, or nobody else is there yet. Raises LinkLost; the link is down then."""
        question, resync = self.ready.sync, self.ready.device.resync
        if question is None:
            raise LinkLost("there is no question that would tell")
        self._drop_until_quiet(resync.quiet_s, resync.wait_s, guard)
        line = text_of(question.line, {"values": self.ready.device.values})
        number = next(self._numbers)
        data = self._out(line, number)
        self._begin(number)
        before: list[int] = []

        def sent() -> None:
            self._owed += 1
            before.append(self._stops)

        try:
            self._write(data, guard, sent)
            answer = self._last_of_sync(question, guard)
        finally:
            with self._changed:
                self._asking = False
        if answer is None:
            self._lost(f"no answer to {line!r} within {resync.wait_s:g} s: what comes may be late")
        said = said_in(question, answer)
        if question is self.ready.who and self._known not in (None, said):
            self._lost(f"it says {said}, and said {self._known} before")
        self._known, self._stops_read = said, before[0]
        self._in_step()
        return answer

    def _lost(self, reason: str) -> NoReturn:
        self.lose(reason)
        raise LinkLost(reason)

    def _last_of_sync(self, question: Question, guard: Guard) -> str | None:
        """Its answer, once those of all earlier ones have come too or cannot come any more."""
        turns = Turns(_LOOK_S)
        wait_s = self.ready.device.resync.wait_s
        deadline = turns.now() + wait_s
        answer: str | None = None
        while self._owed and (raw := self._next(turns, deadline, guard)) is not None:
            said = self.ready.frame.read(raw, self._number)
            if said is not None and question.expect is not None and question.expect.fullmatch(said):
                answer = said
                self._owed -= 1
                deadline = turns.now() + wait_s
            else:
                self.dropped += 1
        if answer is not None:
            # those that have not come while the device answered were lost, most likely
            self._written_off += self._owed
            self._owed = 0
        return answer

    def _drop_until_quiet(self, quiet_s: float, most_s: float, guard: Guard) -> None:
        turns = Turns(_LOOK_S)
        end = turns.now() + most_s
        while turns.now() < end and self._next(turns, turns.now() + quiet_s, guard) is not None:
            self.dropped += 1
        with self._changed:
            self._framer.clear()

    # -- what comes ----------------------------------------------------------------------------

    def _on_data(self, data: bytes) -> None:
        with self._changed:
            self._framer.feed(data)
            self._changed.notify_all()
        if self.restarted:
            self.lose(_RESTARTED)

    def _on_line(self, line: bytes) -> None:
        """With `_changed` in hand."""
        line = line.strip(b"\r\n")
        text = line.decode(self.ready.device.encoding, "replace").strip(" \t\0")
        if not text or any(each.fullmatch(text) for each in self.ready.ignore):
            return
        restarted = self.ready.restarted
        asked = self._owed or self._written_off
        if self.made and not asked and restarted is not None and restarted.fullmatch(text):
            self.restarted = True
            self._broken = self._broken or _RESTARTED
            return
        self._lines.append(line)
        self._out_of_step = self._out_of_step or not self._asking

    def _on_lost(self, reason: str) -> None:
        with self._changed:
            self._broken = self._broken or reason
            self._changed.notify_all()
        self._told(reason)


def said_in(question: Question, answer: str) -> tuple[str, ...] | None:
    """The groups of an answer, or all of it where it has none; None for another answer."""
    found = None if question.expect is None else question.expect.fullmatch(answer)
    if found is None:
        return None
    return tuple(each or "" for each in found.groups()) or (answer,)


def _meaning(meaning: str, found: re.Match[str]) -> str:
    """What an error means, with the groups of its pattern in it."""
    text = meaning or found.string
    for name, value in found.groupdict().items():
        text = text.replace(f"{{{name}}}", value or "")
    return text


def _shown(data: bytes) -> str:
    return repr(data.decode("latin-1").strip())
