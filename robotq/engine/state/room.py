"""Room in memory that new tasks have while they are on their way to the disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self


class Keeper(Protocol):
    """Who keeps the room."""

    def give_up(self, tasks: int) -> None: ...


class Room:
    """Room that is kept for new tasks, given up at the latest when its block ends."""

    __slots__ = ("_keeper", "_lighter", "_tasks", "_weight", "queue_size")

    def __init__(
        self,
        keeper: Keeper,
        tasks: int,
        queue_size: int,
        lighter: Callable[[int], None],
        weight: int,
    ) -> None:
        self._lighter = lighter
        self._weight = weight
        self._keeper = keeper
        self._tasks = tasks
        self.queue_size = queue_size
        """The length of all queues with these tasks: the place that they really get."""

    def taken(self) -> None:
        """They are in memory and counted there."""
        self._keeper.give_up(self._tasks)
        self._tasks = 0
        self._lighter(self._weight)
        self._weight = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.taken()
