"""Questions to a device and their answers, one at a time; and never the answer of another one.

A device carries out lines in the order in which it gets them, and answers in that order. So an
answer that came too late, or that nobody asked for, puts both sides out of step: the next answer
may be that of the question before. Then, before anything else is asked, the device gets a
question whose answer is like no other one, and everything that comes before this answer is
dropped. Where that answer does not come in time, the link is opened anew.
"""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from robotq.drivers.base import Busy, DriverError, LinkLost
from robotq.drivers.line.frame import IDS, NoLine
from robotq.drivers.line.link import LOOK_S, Guard, LineLink
from robotq.drivers.line.ready import Question, ReadyDevice, text_of, typed
from robotq.drivers.patience import Turns
from robotq.model.json import JsonObject


class NoAnswer(Exception):
    """None came in time, or none that makes sense. Whether the line was carried out nobody
    knows."""


class Talk:
    """The conversation over one link. All methods may be called from any thread."""

    def __init__(self, ready: ReadyDevice, link: LineLink) -> None:
        self.ready = ready
        self.link = link
        self._turn = threading.Lock()
        """Held from a question to its answer."""
        self._unanswered = False
        """The last line was one to which the device says nothing."""
        self._out_of_step = True
        self._stops_read = 0
        """Stops after whose answers both sides were in step."""
        self._owed = 0
        """Answers to the question of `sync` that have not come."""
        self._written_off = 0
        """Those that are waited for no more, and may come all the same."""
        self._known: tuple[str, ...] | None = None
        """What the device says of itself in these answers."""
        self._numbers = itertools.cycle(range(1, IDS))
        self._number = 0
        self._answered_at = 0.0
        self.resyncs = 0

    def open(self) -> None:
        """Raises LinkLost."""
        self._known, self._out_of_step = None, True
        self.link.open()

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
            self.link.pause(self.ready.device.busy_s, guard)

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
        self.link.now([self.ready.frame.out(line, 0) for line in lines])

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
            self.link.pause(gap_s, guard)
        data = self._out(line)
        answered = question.expect is not None or self.ready.device.echo

        def about_to() -> None:
            sent()
            # until its answer is there
            self._out_of_step = answered and not self.ready.frame.has_ids
            self._unanswered = not answered

        self.link.listen()
        try:
            self.link.write(data, guard, about_to)
            return self._answer(question, data, guard) if answered else None
        finally:
            self.link.listen_no_more()
            self._answered_at = time.monotonic()

    def _out(self, line: str) -> bytes:
        self._number = next(self._numbers)
        try:
            return self.ready.frame.out(line, self._number)
        except NoLine as error:
            raise DriverError(str(error), code="bad_parameter", field="params") from error

    def _answer(self, question: Question, data: bytes, guard: Guard) -> str | None:
        turns = Turns(LOOK_S)
        deadline = turns.now() + question.answer_s
        echo = self.ready.frame.echo_of(data) if self.ready.device.echo else None
        while (raw := self.link.next(turns, deadline, guard)) is not None:
            if echo is not None:
                if raw.strip(b" \t") != echo:
                    # of the question before: what belongs to this one comes behind its echo
                    self.link.dropped += 1
                elif question.expect is None:
                    self._out_of_step = False
                    return None
                else:
                    echo = None
                continue
            answer = self.ready.frame.read(raw, self._number)
            if answer is None or self._is_late_sync(question, answer):
                self.link.dropped += 1
            elif any(each.fullmatch(answer) for each in question.pending):
                deadline = turns.now() + question.answer_s
            else:
                self._out_of_step = False
                return answer
        raise NoAnswer(f"no answer to {_shown(data)} within {question.answer_s:g} s")

    def _is_late_sync(self, question: Question, answer: str) -> bool:
        sync = self.ready.sync
        if not self._written_off or sync is None or question is sync:
            return False
        if said_in(sync, answer) != self._known:
            return False
        self._written_off -= 1
        return True

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
        behind = self.link.unread or self._out_of_step or self.link.stops != self._stops_read
        # without such a question, answers have ids
        if behind and self.ready.sync is not None:
            self.resyncs += 1
            self.sync(guard)

    def sync(self, guard: Guard) -> str:
        """Drop whatever still comes; the answer to the question that ends it. The turn is the
        caller's, or nobody else is there yet. Raises LinkLost; the link is down then."""
        question, resync = self.ready.sync, self.ready.device.resync
        if question is None:
            raise LinkLost("there is no question that would tell")
        self.link.drop_until_quiet(resync.quiet_s, resync.wait_s, guard)
        line = text_of(question.line, {"values": self.ready.device.values})
        data = self._out(line)
        stops = self.link.stops

        def about_to() -> None:
            nonlocal stops
            self._owed += 1
            self.link.asked_who = True
            stops = self.link.stops

        self.link.listen(anew=True)
        try:
            self.link.write(data, guard, about_to)
            answer = self._last_of_sync(question, guard)
        finally:
            self.link.listen_no_more()
        if answer is None:
            self._lost(f"no answer to {line!r} within {resync.wait_s:g} s: what comes may be late")
        said = said_in(question, answer)
        if question is self.ready.who and self._known not in (None, said):
            self._lost(f"it says {said}, and said {self._known} before")
        self._known, self._stops_read = said, stops
        self._out_of_step = self._unanswered = False
        return answer

    def _lost(self, reason: str) -> NoReturn:
        self.link.lose(reason)
        raise LinkLost(reason)

    def _last_of_sync(self, question: Question, guard: Guard) -> str | None:
        """Its answer, once those of all earlier ones have come too or cannot come any more."""
        turns = Turns(LOOK_S)
        wait_s = self.ready.device.resync.wait_s
        deadline = turns.now() + wait_s
        answer: str | None = None
        while self._owed and (raw := self.link.next(turns, deadline, guard)) is not None:
            said = self.ready.frame.read(raw, self._number)
            if said is not None and said_in(question, said) is not None:
                answer = said
                self._owed -= 1
                deadline = turns.now() + wait_s
            else:
                self.link.dropped += 1
        if answer is not None:
            # those that have not come while the device answered were lost, most likely
            self._written_off += self._owed
            self._owed = 0
            self.link.asked_who = self._written_off > 0
        return answer


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
