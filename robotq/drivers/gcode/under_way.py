"""The lines that are on their way to a controller: which of them it has not answered yet, and how
many of a program have got there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from robotq.drivers.gcode.reader.lines import Line


@dataclass(slots=True)
class Sent:
    """A line that is on its way: not answered yet."""

    line: Line
    data: bytes


SentT = TypeVar("SentT", bound=Sent)


class LinesUnderWay(Generic[SentT]):
    """Of one channel, which calls its methods with its lock held."""

    def __init__(self) -> None:
        self.lines: deque[SentT] = deque()
        """From the oldest one."""
        self.length = 0
        """Their bytes."""
        self.answered = 0
        """Lines, ever."""
        self._counts = False
        """Answers to lines of a program are those of the program that is being sent."""
        self._program_sent = 0
        self._program_answered = 0

    @property
    def oldest(self) -> SentT | None:
        return self.lines[0] if self.lines else None

    def add(self, sent: SentT) -> None:
        self.lines.append(sent)
        self.length += len(sent.data)
        if sent.line.number:
            self._program_sent += 1

    def pop(self) -> SentT:
        """The oldest line is answered."""
        sent = self.lines.popleft()
        self.length -= len(sent.data)
        self.answered += 1
        if sent.line.number and self._counts:
            self._program_answered += 1
        return sent

    def forget(self) -> None:
        """No answer is waited for any more."""
        self.lines.clear()
        self.length = 0

    def begin_program(self) -> None:
        """The lines of a program follow: those with a number."""
        self._program_sent = self._program_answered = 0
        self._counts = True

    def count_no_more(self) -> None:
        """Answers do not count for the program any more. Needs no lock."""
        self._counts = False

    def of_program(self) -> tuple[int, int]:
        """Lines of the program that were sent, and that were answered."""
        return self._program_sent, self._program_answered
