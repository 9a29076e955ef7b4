"""What goes wrong on the wire and in the device, on request or by a seed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class FaultKind(StrEnum):
    DROP = "drop"
    """One byte of the line does not arrive."""
    DOUBLE = "double"
    """One byte of the line arrives twice."""
    CORRUPT = "corrupt"
    """One bit of the line is another one."""
    GLUE = "glue"
    """The end of the line does not arrive: it and the next one become one."""
    LOSE_LINE = "lose_line"
    """The line does not arrive at all."""
    DELAY_ANSWER = "delay_answer"
    """The answer comes `seconds` late, and everything after it too."""
    LOSE_ANSWER = "lose_answer"
    """The line is carried out, and its answer does not arrive."""
    CORRUPT_ANSWER = "corrupt_answer"
    """One byte of the answer is another one."""
    DOUBLE_ANSWER = "double_answer"
    GLUE_ANSWER = "glue_answer"
    """The end of the answer does not arrive: it and the next line become one."""
    DIE = "die"
    """The device says nothing any more and does nothing, with its port open."""
    REBOOT = "reboot"
    """The device starts anew, in the middle of its motion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Befalls the `nth` line that holds `line`, once."""

    kind: FaultKind
    line: str
    nth: int = 1
    seconds: float = 0.0


_INBOUND = frozenset(
    {FaultKind.DROP, FaultKind.DOUBLE, FaultKind.CORRUPT, FaultKind.GLUE, FaultKind.LOSE_LINE}
)


class Faults:
    """The faults of one device. What varies by chance follows from `seed`."""

    def __init__(
        self,
        faults: Iterable[Fault] = (),
        *,
        seed: int = 0,
        rate: float = 0.0,
        kinds: Iterable[FaultKind] = (),
    ) -> None:
        """`rate` is the share of all lines that something of `kinds` befalls."""
        self._faults = list(faults)
        self._random = Random(seed)  # noqa: S311 - not a secret
        self._rate = rate
        self._kinds = tuple(kinds)
        self._seen: dict[Fault, int] = {}
        self.happened: list[tuple[FaultKind, str]] = []

    def __bool__(self) -> bool:
        return bool(self._faults or self._rate)

    def inbound(self, line: bytes) -> bytes:
        """What arrives of a line, which comes with its end."""
        kind = self._befalls(line.decode("latin-1").strip(), inbound=True)
        at = self._random.randrange(max(1, len(line) - 1))
        match kind:
            case FaultKind.DROP:
                return line[:at] + line[at + 1 :]
            case FaultKind.DOUBLE:
                return line[: at + 1] + line[at : at + 1] + line[at + 1 :]
            case FaultKind.CORRUPT:
                return (
                    line[:at]
                    + bytes([line[at] ^ (1 << self._random.randrange(3))])
                    + line[at + 1 :]
                )
            case FaultKind.GLUE:
                return line[:-1]
            case FaultKind.LOSE_LINE:
                return b""
            case _:
                return line

    def after(self, line: str) -> Fault | None:
        """What befalls the answer to this line, or the device when it has taken it."""
        for fault in self._faults:
            if fault.kind not in _INBOUND and self._is_due(fault, line):
                return fault
        kind = self._by_chance(inbound=False, line=line)
        return None if kind is None else Fault(kind=kind, line=line, seconds=0.2)

    def answer(self, kind: FaultKind, answer: bytes) -> bytes:
        """What arrives of the answer."""
        at = self._random.randrange(max(1, len(answer.rstrip())))
        match kind:
            case FaultKind.LOSE_ANSWER:
                return b""
            case FaultKind.CORRUPT_ANSWER:
                return answer[:at] + bytes([answer[at] ^ 1]) + answer[at + 1 :]
            case FaultKind.DOUBLE_ANSWER:
                return answer * 2
            case FaultKind.GLUE_ANSWER:
                return answer.rstrip()
            case _:
                return answer

    def _befalls(self, line: str, *, inbound: bool) -> FaultKind | None:
        for fault in self._faults:
            if fault.kind in _INBOUND and self._is_due(fault, line):
                return fault.kind
        return self._by_chance(inbound=inbound, line=line)

    def _is_due(self, fault: Fault, line: str) -> bool:
        if fault.line not in line:
            return False
        self._seen[fault] = self._seen.get(fault, 0) + 1
        if self._seen[fault] != fault.nth:
            return False
        self.happened.append((fault.kind, line))
        return True

    def _by_chance(self, *, inbound: bool, line: str) -> FaultKind | None:
        kinds = [kind for kind in self._kinds if (kind in _INBOUND) is inbound]
        if not kinds or self._random.random() >= self._rate:
            return None
        kind = self._random.choice(kinds)
        self.happened.append((kind, line))
        return kind
