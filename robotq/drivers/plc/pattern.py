"""What a handshake is made of: the nodes of one command, and what all commands of a PLC share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from robotq.drivers.base import DriverError, Stopped

Values = Mapping[str, Any]


class Refused(Exception):
    """The PLC has answered that it does not do this: nothing was written by it.

    `certain`: by a word that can mean nothing else, and not that a part of it was written, or that
    somebody behind the PLC has not answered.
    """

    def __init__(self, reason: str, *, certain: bool = False) -> None:
        super().__init__(reason)
        self.certain = certain


class Plc(Protocol):
    """The nodes by name. Both raise LinkLost where no answer came."""

    def read(self, names: Collection[str]) -> Values: ...

    def write(self, name: str, value: Any) -> None:
        """Raises Refused too."""


class Reports(Protocol):
    """What a handshake needs of a `CommandContext`."""

    def step(self, name: str, **detail: Any) -> AbstractContextManager[None]: ...

    def run_id(
        self,
        run_id: str,
        *,
        boot: str = ...,
        begun: bool = ...,
        details: dict[str, Any] | None = ...,
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    node: str
    bits: Mapping[int, str] = field(default_factory=dict)
    codes: Mapping[int, str] = field(default_factory=dict)
    stands: bool = False

    def texts(self, word: int) -> Sequence[str]:
        """What it says; nothing where it is 0."""
        if not word:
            return ()
        if word in self.codes:
            return (self.codes[word],)
        known = [text for bit, text in sorted(self.bits.items()) if word >> bit & 1]
        return known or (f"{self.node} = {word}",)

    def raised(self, before: int, word: int) -> bool:
        """Whether the PLC stops everything for it, and it says something that it did not before."""
        if not self.stands:
            return False
        return bool(word and word != before) if self.codes else bool(word & ~before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    node: str
    ok: Collection[int] = (1,)
    stopped: Collection[int] = ()
    texts: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Of one command. `numbered`: start, accepted and done are numbers, and bits otherwise."""

    numbered: bool
    start: str
    done: str
    accepted: str | None = None
    most: int = 1
    """The largest number that start can hold."""
    pulse_s: float | None = None
    idle: bool = False
    """Of numbered: between two requests start is 0, and done goes to 0 for that."""
    outcome: Outcome | None = None
    results: Collection[str] = ()

    @property
    def of_command(self) -> Sequence[str]:
        """Start, done and accepted, as far as there are."""
        return [name for name in (self.start, self.done, self.accepted) if name is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """What all commands of a PLC share."""

    stop: str | None = None
    stopped: str | None = None
    boot: str | None = None
    alarms: Sequence[Alarm] = ()
    ready_s: float = 2
    accept_s: float = 5
    stop_s: float = 3
    after_alarm: Literal["resume", "go_on"] = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOpen:
    """A number that the PLC has not told the end of, as it was found."""

    start: str
    number: int
    done: str
    done_is: int
    boot: Any

    @property
    def text(self) -> str:
        return (
            f"{self.start} is {self.number} and {self.done} is {self.done_is}: the last command of "
            "the PLC is not at its end"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """How a handshake waits, and what is asked of it meanwhile."""

    now: Callable[[], float]
    pause: Callable[[], None]
    """Until the next look."""
    stopping: Callable[[], bool]
    latched: Callable[[], bool]
    left: Callable[[], bool] = lambda: False
    at_its_end: Callable[[LeftOpen], bool] = lambda _: False
    """Whether a person has said that this one is, and that the station stands."""


def judge(outcome: Outcome, code: int, alarms: Sequence[str] = ()) -> None:
    """Raises Stopped, DriverError for an end that is not a good one. `alarms`: that stand then."""
    if code in outcome.ok:
        return
    if code in outcome.stopped:
        raise Stopped
    text = outcome.texts.get(code) or f"{outcome.node} = {code}"
    raise DriverError("; ".join(dict.fromkeys([text, *alarms])))
