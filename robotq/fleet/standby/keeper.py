"""Keeps the lease of one robot: takes it, renews it, loses it, and says so to the driver."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from robotq.config import StandbyConfig
from robotq.drivers.base import NotDriving
from robotq.engine.engine import Engine
from robotq.fleet.members import LostName
from robotq.fleet.outbox import Outbox
from robotq.fleet.standby.adoption import Adoption
from robotq.fleet.standby.epochs import Epochs
from robotq.fleet.standby.lease import Begun, Lease, Leases
from robotq.fleet.standby.telling import Telling
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.task import DeviceRun, Task
from robotq.model.tenure import Tenure, since_boot
from robotq.postgres import Database, DatabaseAway

_log = logging.getLogger(__name__)

_GATE = 0.3
"""Of a lease: so long the start of a command may wait for the database."""


class Keeper:
    """`Tenancy` of one robot. The time of a lease counts from before it was asked for, by a clock
    of this machine; nothing is believed that came later."""

    def __init__(
        self,
        robot: str,
        config: StandbyConfig,
        tenure: Tenure,
        *,
        database: Database,
        leases: Leases,
        epochs: Epochs,
        adoption: Adoption,
        outbox: Outbox,
        engine: Engine,
        away_s: float,
        moved: Callable[[str, bool], None],
    ) -> None:
        """`moved`: called with the robot when it is ours, and when it is not any more."""
        self.robot = robot
        self.config = config
        self.tenure = tenure
        self._database = database
        self._leases = leases
        self._epochs = epochs
        self._adoption = adoption
        self._outbox = outbox
        self._engine = engine
        self._away_s = away_s
        self._moved = moved
        self._held: Lease | None = None
        """The lease under which this process drives, or is about to."""
        self._ready = False
        """What was the other's is here, and the robot may be driven."""
        self.holder: str | None = None
        """Who drives it, as far as is known."""
        self._turn = asyncio.Lock()
        self._telling: asyncio.Task[None] | None = None
        self._untold = False
        self._telling_people = Telling(
            robot, outbox=outbox, reads=engine.reads, renewed=self._renewed
        )
        self.asks: Lease | None = None
        """The lease that nobody renews, and that a person has to take from its holder; None: nobody
        is asked, or the database has forgotten it."""
        self._off_by: str | None = None
        """Who has said that no other machine drives, where the database has forgotten who did."""
        engine.standby.attach(robot, self)
        engine.signals.hold_changed.subscribe(self._hold_changed)

    @property
    def ours(self) -> bool:
        return self._held is not None

    async def step(self) -> None:
        """Look at the lease, and do what follows from it. Raises DatabaseAway, RobotqError,
        DataUnavailable."""
        # a person may ask for it while it is at it: nothing is taken over twice
        async with self._turn:
            if self._held is not None:
                await self._keep()
            if self._held is None:
                await self._stand_by()

    # -- while it is ours ------------------------------------------------------------------------

    async def _keep(self) -> None:
        held = self._held
        assert held is not None
        higher = self.tenure.refused
        if higher > held.epoch:
            await self._epochs.see(self.robot, higher)
            await self._leases.give_up(self.robot, self.config, held.epoch, higher)
            self._lose(f"its device is driven under epoch {higher}")
            return
        asked = since_boot()
        holds = self._engine.standby.holds_of(self.robot) if self._ready else None
        if not await self._leases.renew(self.robot, self.config, held.epoch, holds):
            self._lost(await self._leases.look(self.robot))
            return
        if self._held is not held:
            # somebody else has found meanwhile that it is not ours any more
            return
        if not self._ready:
            try:
                await self._make_ready(held)
            except RobotqError as error:
                self.tenure.end(f"what waited at {held.holder} is not taken over yet: {error}")
                raise
        else:
            self._grant(held, asked)
            if await self._adoption.claim(self.robot, held, None, away_s=self._away_s):
                await self._adoption.take(self.robot, held)

    async def _make_ready(self, held: Lease) -> None:
        """Everything that has to be here before the first byte."""
        if not await self._adoption.give(self.robot):
            # a command that another one took is still in hand here
            return
        for giver in held.before[:1]:
            # who had driven last: those behind it have only begun to take the robot over
            await self._adoption.hold(self.robot, held, giver)
        for giver in held.before:
            await self._adoption.claim(self.robot, held, giver, away_s=self._away_s)
        crash_point(CrashPoint.FLEET_GIVEN)
        await self._adoption.take(self.robot, held)
        if held.begun is not None and held.begun.batch_id is not None:
            self._engine.standby.goes_on(self.robot, held.begun.batch_id)
        crash_point(CrashPoint.FLEET_ADOPTED)
        asked = since_boot()
        holds = self._engine.standby.holds_of(self.robot)
        if not await self._leases.renew(self.robot, self.config, held.epoch, holds):
            self._lost(await self._leases.look(self.robot))
            return
        if self._held is not held:
            return
        self._ready = True
        self._moved(self.robot, True)
        self._grant(held, asked)
        _log.warning("%s is driven from here now, under epoch %d", self.robot, held.epoch)
        await self._engine.note(
            "robot.taken_over",
            actor=held.off_by or "fleet",
            robot=self.robot,
            data={"epoch": held.epoch, "before": held.holder, "fence": self.config.fence},
        )

    def _grant(self, held: Lease, asked: float) -> None:
        self.tenure.grant(held.epoch, asked + self.config.lease_s - self.config.margin_s)

    def _lost(self, now: Lease | None) -> None:
        self._lose("nobody drives it" if now is None else _driven(now))

    def _lose(self, why: str) -> None:
        _log.warning("%s is not driven from here any more: %s", self.robot, why)
        self._held, self._ready = None, False
        self.tenure.end(why)
        self._moved(self.robot, False)

    def _hold_changed(self, robot: str) -> None:
        """A pause goes to whoever takes over: it is told at once, and not with the next renewal."""
        if robot != self.robot:
            return
        self._telling_people.hold_changed()
        if not self._ready:
            return
        self._untold = True
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_holds(), name=f"holds of {robot}")

    async def _tell_holds(self) -> None:
        while self._untold:
            self._untold = False
            try:
                await self._renewed()
            except DatabaseAway as error:
                # the next renewal says it, or says that it is not ours any more
                _log.info("the holds of %s are not told: %s", self.robot, error)

    async def _renewed(self) -> bool:
        """Write what holds the queue into the lease; whether that is ours. Raises DatabaseAway."""
        held, asked = self._held, since_boot()
        if held is None or not self._ready:
            return False
        holds = self._engine.standby.holds_of(self.robot)
        ours = await self._leases.renew(self.robot, self.config, held.epoch, holds)
        if not ours or self._held is not held:
            return False
        self._grant(held, asked)
        return True

    async def told(self) -> bool:
        """Whether what was done here until now counts also at whoever takes over; waits for it a
        moment. False: nobody knows, or another one drives already and may have it in hand."""
        return self._held is not None and self._ready and await self._telling_people.known()

    async def end(self) -> None:
        """The daemon ends: what holds the queue is told. Raises DatabaseAway."""
        await self._telling_people.end()
        if self._telling is not None and not self._telling.done():
            await asyncio.wait({self._telling})

    # -- while it is another's ---------------------------------------------------------------------

    async def _stand_by(self) -> None:
        now = await self._leases.look(self.robot)
        highest = self._epochs.highest(self.robot)
        if now is not None:
            self.holder = now.holder
            self.tenure.end(_driven(now))
            await self._epochs.see(self.robot, now.epoch)
        await self._adoption.give(self.robot)
        why_not = self._why_not(now, highest)
        self.asks = now if why_not is not None and now is not None and now.left_s < 0 else None
        if why_not is not None:
            if now is None or now.left_s < 0:
                self.tenure.end(why_not)
            return
        await self._take()

    def _why_not(self, now: Lease | None, highest: int) -> str | None:
        """Why this daemon does not take it now."""
        if now is None:
            if highest and self.config.fence == "none" and self._off_by is None:
                return f"the database has forgotten its epoch ({highest}), and a person has to look"
            return None
        if now.epoch < highest:
            # an older database: whoever drives is not to be seen in it
            if now.left_s > -self.config.lease_s:
                return f"the database is older than epoch {highest}"
            if not self._said_off(now):
                return (
                    f"the database is older than epoch {highest}, and nobody has said that the "
                    "other machine is off (robotq fleet --take)"
                )
            return None
        if now.home == self._leases.home and now.session not in (None, self._leases.session):
            # the process before this one, on this data folder
            return None
        if now.left_s > 0:
            return _driven(now)
        if "none" in (self.config.fence, now.fence) and not self._said_off(now):
            return (
                f"{now.holder} does not renew its lease (epoch {now.epoch}), and nothing "
                "fences it. A person has to say that it is off: "
                f"robotq fleet --take {self.robot} --old-machine-is-off"
            )
        return None

    def _said_off(self, now: Lease) -> bool:
        return now.off_by is not None and now.off_for == self._leases.name

    async def _take(self) -> None:
        robot, highest = self.robot, self._epochs.highest(self.robot)
        async with self._database.transaction() as connection:
            now = await self._leases.locked(connection, robot)
            why_not = self._why_not(now, highest)
            if why_not is None:
                other = await self._leases.another(connection, robot, now.holder if now else None)
                if other is not None:
                    why_not = f"{other} drives it without a lease: its configuration has no standby"
            if why_not is not None:
                self.tenure.end(why_not)
                return
            epoch = max(highest, 0 if now is None else now.epoch) + 1
            before: Sequence[str] = ()
            if now is not None and now.epoch >= highest:
                # of an older database nothing is taken over: it may have been carried out
                drove = dict.fromkeys((*now.before, now.holder))
                before = [name for name in drove if name != self._leases.name]
            if not await self._leases.take(
                connection, robot, self.config, epoch, first=now is None, before=before
            ):
                return
        # before anything is done under it
        await self._epochs.see(robot, epoch)
        self._held = Lease(
            epoch=epoch,
            holder=self._leases.name if now is None else now.holder,
            home=self._leases.home,
            session=self._leases.session,
            fence=self.config.fence,
            left_s=self.config.lease_s,
            begun=None if now is None else now.begun,
            holds=() if now is None else now.holds,
            off_by=self._off_by if now is None else now.off_by,
            off_for=None,
            before=before,
        )
        self._ready = False
        self.holder = self._leases.name
        await self._make_ready(self._held)

    async def old_machine_is_off(self, actor: str, epoch: int | None) -> None:
        """A person says so; this daemon takes the robot. `epoch`: that the person has seen, where
        he has. Raises RobotqError standby_refused, DatabaseAway."""
        now = await self._leases.look(self.robot)
        if self._held is not None or (now is None and not self._epochs.highest(self.robot)):
            raise RobotqError("standby_refused", robot=self.robot, reason="it is driven from here")
        if now is None:
            # another database, which knows nobody who drives
            self._off_by = actor
            await self._note_off(actor, None, self._epochs.highest(self.robot))
            await self.step()
            return
        if epoch not in (None, now.epoch):
            reason = f"it is {_driven(now)} meanwhile: look at that machine"
            raise RobotqError("standby_refused", robot=self.robot, reason=reason)
        if now.left_s > 0 or not await self._leases.off(self.robot, now.epoch, actor):
            reason = f"{_driven(now)}, and renews its lease: that machine is not off"
            raise RobotqError("standby_refused", robot=self.robot, reason=reason)
        await self._note_off(actor, now.holder, now.epoch)
        await self.step()

    async def _note_off(self, actor: str, daemon: str | None, epoch: int) -> None:
        await self._engine.note(
            "robot.old_machine_is_off",
            actor=actor,
            robot=self.robot,
            data={"daemon": daemon, "epoch": epoch},
        )

    # -- what the executor asks ------------------------------------------------------------------

    async def may_begin(self, task: Task) -> str | None:
        """Of `Tenancy`: whoever takes over has to know it, and all that was before."""
        held = self._held
        if held is None or not self._ready:
            return self.tenure.why
        asked = since_boot()
        target = self._engine.reads.last_event_id
        try:
            async with asyncio.timeout(self.config.lease_s * _GATE):
                while self._outbox.sent_id < target:
                    await self._outbox.send()
                begun = Begun(
                    daemon=self._leases.name,
                    task_id=task.id,
                    attempt=task.attempt,
                    names_first=self._engine.standby.names_first(self.robot),
                    submitted_at_ms=task.submitted_at_ms,
                    batch_id=task.batch_id if task.contiguous else None,
                )
                return await self._told(held, begun, asked)
        except (DatabaseAway, LostName, TimeoutError, RobotqError) as error:
            why = f"the fleet's database is away: {str(error) or 'no answer in time'}"
            # until the next renewal
            self.tenure.suspend(why)
            return why

    async def named(self, task: Task, run: DeviceRun) -> None:
        """Of `Tenancy`."""
        held = self._held
        asked = since_boot()
        begun = Begun(
            daemon=self._leases.name,
            task_id=task.id,
            attempt=task.attempt,
            run=run,
            submitted_at_ms=task.submitted_at_ms,
            batch_id=task.batch_id if task.contiguous else None,
        )
        why: str | None = self.tenure.why
        if held is not None:
            try:
                async with asyncio.timeout(self.config.lease_s * _GATE):
                    why = await self._told(held, begun, asked)
            except (DatabaseAway, TimeoutError) as error:
                why = f"the fleet's database is away: {str(error) or 'no answer in time'}"
                self.tenure.suspend(why)
        if why is not None:
            raise NotDriving(why)
        crash_point(CrashPoint.FLEET_LOOKED)

    async def _told(self, held: Lease, begun: Begun, asked: float) -> str | None:
        """Why it may not begin."""
        holds = self._engine.standby.holds_of(self.robot)
        if not await self._leases.renew(self.robot, self.config, held.epoch, holds, begun):
            if self._held is held:
                self._lost(await self._leases.look(self.robot))
            return self.tenure.why
        if self._held is not held:
            return self.tenure.why
        self._grant(held, asked)
        return None


def _driven(now: Lease) -> str:
    return f"driven by {now.holder} (epoch {now.epoch})"
