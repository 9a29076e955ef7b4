"""A planner and the axes behind it: straight lines at constant speed, with a ramp at a stop."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

Point = tuple[float, float, float]

_FLOWS = 3
"""Planned motions with which Marlin begins at once."""


@dataclass(slots=True)
class Block:
    """A planned motion."""

    start: Point
    end: Point
    seconds: float
    line: str
    done: float = 0.0
    """Seconds of it that are over."""
    begun: bool = False
    from_rest: bool = False
    """It was the first one; then the firmware waits a moment before it moves."""


@dataclass(slots=True)
class Axes:
    """What is planned, and where the tool is. `speed` multiplies all motion."""

    blocks_most: int
    speed: float = 1.0
    ramp_s: float = 0.1
    """How long it takes to come to rest."""
    first_move_s: float = 0.0
    """From rest, it waits so long for more before it moves, unless three motions are planned."""
    position: Point = (0.0, 0.0, 0.0)
    blocks: deque[Block] = field(default_factory=deque)
    moved: list[str] = field(default_factory=list)
    """The lines of all blocks that have begun."""
    held_since: float | None = None
    travelled_mm: float = 0.0
    """All ways that it has ever gone."""
    starts: int = 0
    """How often it has begun to move from rest."""
    last_step: float = -math.inf
    """When it has moved last, on the clock of `advance`: what judges whoever has to be still."""
    slipped: bool = False
    """It was stopped dead in motion: the arm went on, and where it is nobody knows, whatever the
    controller says. Homing ends that, and whoever looks."""
    _now: float = 0.0
    _begins_at: float = 0.0
    """From rest: when the first one begins at the latest."""

    @property
    def planned(self) -> Point:
        """Where it will be when everything planned is done."""
        return self.blocks[-1].end if self.blocks else self.position

    @property
    def full(self) -> bool:
        return len(self.blocks) >= self.blocks_most

    @property
    def moving(self) -> bool:
        return bool(self.blocks) and not self.standing

    @property
    def standing(self) -> bool:
        """It is held, and has come to rest."""
        return self.held_since is not None and self._now >= self.held_since + self.ramp_s

    def plan(self, end: Point, feed_mm_s: float, line: str) -> None:
        start = self.planned
        seconds = math.dist(start, end) / feed_mm_s / self.speed
        block = Block(start, end, seconds, line, from_rest=not self.blocks)
        if not self.blocks:
            self._begins_at = self._now + self.first_move_s
        self.blocks.append(block)
        if self.held_since is None and self._waits_s() <= 0:
            self._begin(self.blocks[0])

    def _waits_s(self) -> float:
        """Until the first one begins; not more than 0 where it may."""
        first = self.blocks[0]
        if first.begun or not first.from_rest or len(self.blocks) >= _FLOWS:
            return 0.0
        return self._begins_at - self._now

    def _begin(self, block: Block) -> None:
        if not block.begun:
            block.begun = True
            self.moved.append(block.line)
            self.starts += block.from_rest

    def hold(self) -> None:
        if self.held_since is None:
            self.held_since = self._now if self.blocks else self._now - self.ramp_s

    def resume(self) -> None:
        self.starts += self.standing and bool(self.blocks)
        self.held_since = None
        if self.blocks:
            self._begin(self.blocks[0])

    def advance(self, now: float) -> None:
        """Let time pass up to `now`, in wall seconds."""
        left = now - self._now
        moves_from, slowly = self._now, 1.0
        if self.held_since is not None:
            # it slows down evenly: half of the way that it would have made
            ramp = max(0.0, min(now, self.held_since + self.ramp_s) - self._now)
            left, slowly = ramp / 2, 2.0
        elif self.blocks and (waits_s := self._waits_s()) > 0:
            left -= waits_s
            moves_from += waits_s
        self._now = now
        if self.blocks and self.held_since is None and self._waits_s() <= 0:
            self._begin(self.blocks[0])
        while self.blocks and left > 0:
            block = self.blocks[0]
            used = min(left, block.seconds - block.done)
            block.done += used
            left -= used
            moves_from += used * slowly
            self.last_step = moves_from
            before = self.position
            if block.done >= block.seconds:
                self.position = block.end
                self.blocks.popleft()
                if self.blocks:
                    self._begin(self.blocks[0])
            else:
                share = block.done / block.seconds
                self.position = (
                    block.start[0] + (block.end[0] - block.start[0]) * share,
                    block.start[1] + (block.end[1] - block.start[1]) * share,
                    block.start[2] + (block.end[2] - block.start[2]) * share,
                )
            self.travelled_mm += math.dist(before, self.position)

    def shift(self, by: Point) -> None:
        """From now on, all points have other coordinates. Nothing moves."""
        self.position = _moved(self.position, by)
        for block in self.blocks:
            block.start, block.end = _moved(block.start, by), _moved(block.end, by)

    def drop(self) -> None:
        """Stop dead, and forget what was planned."""
        first = self.blocks[0] if self.blocks else None
        if first is not None and not first.done:
            # it has not moved yet
            if first.begun:
                self.moved.pop()
                self.starts -= first.from_rest
        else:
            self.slipped = self.slipped or self.moving
        self.blocks.clear()
        self.held_since = None

    def next_event_s(self) -> float | None:
        """Seconds until a block begins or ends; None where nothing moves."""
        if not self.blocks or self.held_since is not None:
            return None
        first = self.blocks[0]
        waits_s = self._waits_s()
        return waits_s if waits_s > 0 else first.seconds - first.done


def _moved(point: Point, by: Point) -> Point:
    return (point[0] + by[0], point[1] + by[1], point[2] + by[2])
