"""Room in memory that new tasks have while they are on their way to the disk."""

from __future__ import annotations

from typing import Protocol, Self


class Keeper(Protocol):
    """Counts what is on its way into a queue."""

    incoming: int


class Scale(Protocol):
    """Weighs what is on its way into any queue."""

    heavy: int


class Room:
    """Room that is kept for new tasks, given up at the latest when its block ends."""

    __slots__ = ("_keeper", "_scale", "_tasks", "_weight", "queue_size")

    def __init__(
        self, keeper: Keeper, scale: Scale, tasks: int, queue_size: int, weight: int
    ) -> None:
        self._keeper = keeper
        self._scale = scale
        self._tasks = tasks
        self._weight = weight
        self.queue_size = queue_size
        """The length of all queues with these tasks: the place that they really get."""

    def taken(self) -> None:
        """They are in memory and counted there."""
        self._keeper.incoming -= self._tasks
        self._scale.heavy -= self._weight
        self._tasks = self._weight = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.taken()
