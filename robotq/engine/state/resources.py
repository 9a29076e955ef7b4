"""Places that two robots must not occupy at once."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence

from robotq.model.hold import Occupancy, Wait, WaitCode
from robotq.model.task import Task
from robotq.store.port import DropOccupancy, Mutation, SaveOccupancy

_log = logging.getLogger(__name__)


class Resources:
    """Who holds which resource.

    What is taken counts at once and is written after; what is given up counts only after it
    is written. So two robots that ask in the same moment never both get a resource.
    """

    def __init__(self, places: Mapping[str, str], occupied: Iterable[Occupancy]) -> None:
        """`places` maps each place to its resource; a place without one is nobody's concern."""
        self._resource_of = dict(places)
        self._occupied = {occupancy.resource: occupancy for occupancy in occupied}
        self._standing: dict[str, str | None] = {}
        self._being_released: set[str] = set()
        self._telling: set[str] = set()
        """Robots whose drivers report places."""
        self._taken: dict[str, set[str]] = {}
        """Robot -> the resources that it got by its latest claim."""

    def occupied(self) -> Sequence[Occupancy]:
        return sorted(self._occupied.values(), key=lambda occupancy: occupancy.resource)

    @property
    def any_occupied(self) -> bool:
        return bool(self._occupied)

    def holder(self, resource: str) -> Occupancy | None:
        return self._occupied.get(resource)

    def release(self, occupancy: Occupancy) -> DropOccupancy:
        """A person takes it from its robot. Until `released_by_person` nobody gets it, its robot
        included: what that begins meanwhile would be there without it."""
        self._being_released.add(occupancy.resource)
        if self._where(occupancy.robot) == occupancy.resource:
            # the last that was heard of it, before it was gone
            self._standing.pop(occupancy.robot, None)
        return DropOccupancy(occupancy.resource)

    def released_by_person(self, resource: str) -> None:
        self._being_released.discard(resource)

    def stands_elsewhere(self, occupancy: Occupancy) -> bool:
        """Whether its robot says where it stands, and that is another place."""
        stands = self._where(occupancy.robot)
        known = self._standing.get(occupancy.robot) is not None
        return known and stands != occupancy.resource

    def of(self, places: Iterable[str]) -> set[str]:
        return {self._resource_of[place] for place in places if place in self._resource_of}

    def holds_any(self, robot: str) -> bool:
        """Whether there is anything that `ended` could give up, or what was taken in vain."""
        occupied = self._occupied
        return bool(occupied) and any(one.robot == robot for one in occupied.values())

    def wait_of(self, robot: str, places: Collection[str]) -> Wait | None:
        """Why `robot` cannot go to `places` now, or None."""
        if not places:
            return None
        for resource in sorted(self.of(places)):
            occupancy = self._occupied.get(resource)
            if occupancy is None:
                continue
            if occupancy.robot != robot or resource in self._being_released:
                return Wait(
                    code=WaitCode.RESOURCE,
                    args={"resource": resource, "occupied_by": occupancy.robot},
                    since_ms=occupancy.since_ms,
                    queue=robot,
                )
        return None

    def take(self, task: Task, places: Collection[str], now_ms: int) -> list[Mutation]:
        """Make the robot of `task` hold all resources of `places`. Returns what to write.

        Only after `wait_of` found nothing in the way.
        """
        if not places:
            self._taken[task.queue] = set()
            return []
        needed = sorted(self.of(places))
        self._taken[task.queue] = {name for name in needed if name not in self._occupied}
        return [self._occupy(resource, task.queue, now_ms, task.id) for resource in needed]

    def give_back(self, robot: str) -> None:
        """Undo the latest `take` of a robot, which could not be written."""
        for resource in self._taken.pop(robot, ()):
            del self._occupied[resource]

    def released(self, robot: str) -> list[DropOccupancy]:
        """What follows when the claim of the latest `take` is given back before its start."""
        return [
            DropOccupancy(resource)
            for resource in sorted(self._taken.get(robot, ()))
            if resource != self._where(robot)
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
        if place is not None:
            self._telling.add(robot)
        arrived = self._where(robot)
        mutations: list[Mutation] = []
        if left is not None and left in self._held_by(robot) - {arrived} - self.of(needed):
            mutations.append(DropOccupancy(left))
        if arrived is not None and arrived != left:
            holder = self._occupied.get(arrived)
            if holder is None or holder.robot == robot:
                # also where it holds it already: its leaving may be on the way to the disk
                mutations.append(self._occupy(arrived, robot, now_ms))
            else:
                _log.warning(
                    "%s says that it stands at %s, which %s occupies", robot, place, holder.robot
                )
        return mutations

    def jogged(self, robot: str) -> None:
        """A person has moved it by hand: where it stands nobody knows. What it holds it keeps, it
        may still be there, until a command has led it elsewhere."""
        self._standing.pop(robot, None)
        self._telling.discard(robot)

    def ended(
        self, robot: str, last_places: Iterable[str], next_places: Iterable[str]
    ) -> list[DropOccupancy]:
        """What follows when a command of `robot` to `last_places` ended for certain.

        It keeps where it stands, and what its next command needs (`next_places`). A robot
        that never tells where it stands is taken to be where its last command has led it.
        """
        held = self._held_by(robot)
        keep = {self._where(robot), *self.of(next_places)}
        if robot not in self._telling:
            keep |= self.of(last_places) or held
        return [DropOccupancy(resource) for resource in sorted(held) if resource not in keep]

    def commit(self, mutations: Iterable[Mutation]) -> bool:
        """Take over what was written. Returns whether a resource became free."""
        freed = False
        for mutation in mutations:
            if isinstance(mutation, SaveOccupancy):
                self._occupied[mutation.occupancy.resource] = mutation.occupancy
            elif isinstance(mutation, DropOccupancy):
                freed |= self._free(mutation.resource)
        return freed

    def remap(self, places: Mapping[str, str]) -> None:
        """Use another configuration; what is occupied stays so."""
        self._resource_of = dict(places)

    def _occupy(
        self, resource: str, robot: str, now_ms: int, task_id: str | None = None
    ) -> SaveOccupancy:
        occupancy = self._occupied.get(resource)
        if occupancy is None:
            occupancy = Occupancy(resource=resource, robot=robot, since_ms=now_ms, task_id=task_id)
            self._occupied[resource] = occupancy
        return SaveOccupancy(occupancy)

    def _free(self, resource: str) -> bool:
        occupancy = self._occupied.get(resource)
        # a robot that has come back while its leaving was being written is there all the same
        if occupancy is None or self._where(occupancy.robot) == resource:
            return False
        del self._occupied[resource]
        return True

    def _held_by(self, robot: str) -> set[str]:
        return {
            occupancy.resource for occupancy in self._occupied.values() if occupancy.robot == robot
        }

    def _where(self, robot: str) -> str | None:
        place = self._standing.get(robot)
        return None if place is None else self._resource_of.get(place)
