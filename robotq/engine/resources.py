"""Places that two robots must not occupy at once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from robotq.model.hold import Occupancy, Wait, WaitCode
from robotq.model.task import Task
from robotq.store.port import DropOccupancy, Mutation, SaveOccupancy

_log = logging.getLogger(__name__)


class Resources:
    """Who holds which resource. Computes what has to be written; `commit` takes it over."""

    def __init__(self, places: Mapping[str, str], occupied: Iterable[Occupancy]) -> None:
        """`places` maps each place to its resource; a place without one is nobody's concern."""
        self._resource_of = dict(places)
        self._occupied = {occupancy.resource: occupancy for occupancy in occupied}
        self._standing: dict[str, str | None] = {}

    def occupied(self) -> Sequence[Occupancy]:
        return sorted(self._occupied.values(), key=lambda occupancy: occupancy.resource)

    def of(self, places: Iterable[str]) -> set[str]:
        return {self._resource_of[place] for place in places if place in self._resource_of}

    def wait_of(self, robot: str, places: Iterable[str]) -> Wait | None:
        """Why `robot` cannot go to `places` now, or None."""
        for resource in sorted(self.of(places)):
            occupancy = self._occupied.get(resource)
            if occupancy is not None and occupancy.robot != robot:
                return Wait(
                    code=WaitCode.RESOURCE,
                    args={"resource": resource, "occupied_by": occupancy.robot},
                )
        return None

    def take(self, task: Task, places: Iterable[str], now_ms: int) -> list[Mutation]:
        """What makes the robot of `task` hold all resources of `places`."""
        return [
            SaveOccupancy(
                Occupancy(resource=resource, robot=task.queue, since_ms=now_ms, task_id=task.id)
            )
            for resource in sorted(self.of(places))
            if resource not in self._occupied
        ]

    def moved(
        self, robot: str, place: str | None, needed: Iterable[str], now_ms: int
    ) -> list[Mutation]:
        """What follows when `robot` reports that it stands at `place`, or has left.

        A resource that it has left is given up unless its command needs it (`needed` are the
        places of that command).
        """
        left = self._where(robot)
        self._standing[robot] = place
        arrived = self._where(robot)
        mutations: list[Mutation] = []
        if left is not None and left != arrived and left not in self.of(needed):
            occupancy = self._occupied.get(left)
            if occupancy is not None and occupancy.robot == robot:
                mutations.append(DropOccupancy(left))
        if arrived is not None and arrived != left:
            # also where it holds it already: its leaving may be on the way to the disk
            occupancy = self._occupied.get(arrived)
            if occupancy is None or occupancy.robot == robot:
                mutations.append(
                    SaveOccupancy(Occupancy(resource=arrived, robot=robot, since_ms=now_ms))
                )
            else:
                _log.warning(
                    "%s says that it stands at %s, which %s occupies",
                    robot,
                    place,
                    occupancy.robot,
                )
        return mutations

    def ended(self, robot: str, next_places: Iterable[str]) -> list[Mutation]:
        """What follows when a command of `robot` ended for certain.

        It keeps where it stands, and what its next command needs (`next_places`).
        """
        keep = {self._where(robot), *self.of(next_places)}
        return [
            DropOccupancy(occupancy.resource)
            for occupancy in self.occupied()
            if occupancy.robot == robot and occupancy.resource not in keep
        ]

    def commit(self, mutations: Iterable[Mutation]) -> bool:
        """Take over what was written. Returns whether a resource became free."""
        freed = False
        for mutation in mutations:
            if isinstance(mutation, SaveOccupancy):
                self._occupied[mutation.occupancy.resource] = mutation.occupancy
            elif isinstance(mutation, DropOccupancy):
                freed |= self._occupied.pop(mutation.resource, None) is not None
        return freed

    def remap(self, places: Mapping[str, str]) -> None:
        """Use another configuration; what is occupied stays so."""
        self._resource_of = dict(places)

    def _where(self, robot: str) -> str | None:
        place = self._standing.get(robot)
        return None if place is None else self._resource_of.get(place)
