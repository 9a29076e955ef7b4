"""What a person's confirmation is about: it lifts what they have seen, and nothing newer."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from robotq.model.errors import RobotqError
from robotq.model.hold import Hold

NEWLY_MS = 10_000
"""A hold that is younger may be one that the person has not seen."""


class Confirmation(msgspec.Struct, frozen=True):
    """The holds that a reset or a resume names.

    `None` instead of this is for parts of the daemon, which mean what there is.
    """

    named: Sequence[str] | None
    """Ids of holds. None: the request names nothing."""
    actor: str | None = None
    """Whose own hold needs no name: the pause of a motion that goes on a moment later. None:
    nobody's."""

    def meant(self, found: Sequence[Hold], now_ms: int) -> list[Hold]:
        """Those of `found` that the person means: all, or those of the robots whose holds are
        named. Every one of such a robot has to be named.

        Call it in the same moment in which `found` was looked up: nothing is awaited between.
        Raises RobotqError not_what_was_meant (one that was named is over, or there is another
        one), not_named.
        """
        if self.named is None:
            # whoever has set it has seen it; one that several people have set is several
            if len(found) > 1 or any(
                len(hold.actors) > 1 or (_new(hold, now_ms) and hold.actor != self.actor)
                for hold in found
            ):
                raise RobotqError("not_named", found=found)
            return list(found)
        robots = {hold.robot for hold in found if hold.id in self.named}
        meant = [hold for hold in found if hold.robot in robots]
        # also where nothing is named, since nothing was seen, and something has come
        if {hold.id for hold in meant} != set(self.named) or (found and not meant):
            raise RobotqError("not_what_was_meant", found=found)
        return meant


def _new(hold: Hold, now_ms: int) -> bool:
    """Also where the clock was set back since."""
    return now_ms - max(hold.since_ms, hold.set_at_ms) < NEWLY_MS
