"""What a benchmark hands back, and the statistics it is made with."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

RATIO = "x"
MIB = "MiB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much to measure."""

    folder: Path
    """Scratch folder, on the disk that is to be measured. Prepared databases stay there."""
    finished: int = 1_000_000
    """Finished tasks of the large database."""
    waiting: int = 10_000
    """Tasks that wait in the memory benchmark."""
    rounds: int = 7
    """Rounds in which the measured thing and its limit take turns."""
    calls: int = 300
    """Calls of one kind in one round."""
    seconds: float = 60.0
    """Length of the benchmarks that run for a time."""
    crowd: int = 1_000
    """Polling clients; the numbers of listeners and submitters follow from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One result."""

    name: str
    value: float
    unit: str = RATIO
    target: float | None = None
    """What it should not go beyond."""
    higher_is_better: bool = False
    raw: str = ""
    """The numbers behind it, for people."""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        return self.value >= self.target if self.higher_is_better else self.value <= self.target


@dataclass(slots=True)
class Samples:
    """Seconds of many calls of one kind, by round."""

    rounds: list[list[float]] = field(default_factory=list)

    def add(self, seconds: Sequence[float]) -> None:
        self.rounds.append(list(seconds))

    def all(self) -> list[float]:
        return [value for part in self.rounds for value in part]

    def percentile(self, percent: float) -> float:
        return percentile(self.all(), percent)

    def text(self) -> str:
        """Median and 99th percentile."""
        return f"{duration(self.percentile(50))} / {duration(self.percentile(99))}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that is not below `percent` of all."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def ratio_of_medians(measured: Samples, limit: Samples) -> float:
    """The median over the rounds of (median of measured / median of limit).

    By rounds, so that a neighbour who takes the processor for a while spoils one round only.
    """
    return statistics.median(_ratios(measured, limit))


def spread(measured: Samples, limit: Samples) -> str:
    """The lowest and the highest round, for judging the noise."""
    ratios = _ratios(measured, limit)
    return f"rounds {min(ratios):.2f} to {max(ratios):.2f}"


def _ratios(measured: Samples, limit: Samples) -> list[float]:
    return [
        statistics.median(one) / statistics.median(other)
        for one, other in zip(measured.rounds, limit.rounds, strict=True)
    ]


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} us"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"
