"""What is accepted here is in the fleet's database first: for a robot with `durability: fleet`, and
with a key for one that has two machines."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
import orjson
from msgspec.structs import replace

from robotq.engine.commit.disk import NotAnswered
from robotq.engine.engine import Engine
from robotq.engine.intake.idempotency import AcceptAs, Accepted, Handing
from robotq.engine.intake.read_command import Order
from robotq.fleet.door import away, new_id
from robotq.fleet.members import Member
from robotq.model.carried.program import HandedIn
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.task import Command, Repeat, Task
from robotq.postgres import Database, DatabaseAway, load

_log = logging.getLogger(__name__)

_SQL = load(__package__, "durable.sql")
_T = TypeVar("_T")

LIMIT_S = 5.0
"""Wall seconds that a submit waits for the database; then nobody knows, and the same key asks."""
_LOOK_S = 0.05
_SETTLED = 10_000
"""Accepted ones whose rows are still to be settled; of more, the inbox finds them one by one."""
_OPEN = ("waiting", "taking")


class Durable:
    """A row of the inbox says `taking` before the command is in the queue here, and the task gets
    its id. So a command that is on one of the two disks only is found again: the inbox takes the
    row in, and a machine that is lost leaves it in the database."""

    def __init__(
        self,
        database: Database,
        member: Member,
        engine: Engine,
        why_not: Callable[[], str | None],
        sent: Callable[[], int],
    ) -> None:
        """`why_not`: why the database cannot be asked now; `sent`: up to which event of the
        journal it knows us."""
        self._database = database
        self._member = member
        self._engine = engine
        self._why_not = why_not
        self._sent = sent
        self.under_way: set[str] = set()
        """Rows that this daemon is taking in right now, which the inbox leaves alone."""
        self._to_settle: list[str] = []
        self._late: set[asyncio.Task[Any]] = set()

    def of(self, robot: str) -> bool:
        config = self._engine.config.robots.get(robot)
        return config is not None and config.durability == "fleet"

    def _has_two_machines(self, robot: str) -> bool:
        config = self._engine.config.robots.get(robot)
        return config is not None and config.standby is not None

    @property
    def robots(self) -> Sequence[str]:
        """Those whose commands have to be in the database too."""
        return [robot for robot in self._engine.robots if self.of(robot)]

    def wants(self, orders: Sequence[Order], *, keyed: bool) -> bool:
        # what comes from the inbox has the id of its row
        if orders[0].task_id is not None:
            return False
        # whoever repeats a key may find the robot at its other machine, which asks the database;
        # a program in a file does not go there, and stays with its key
        return any(
            self.of(order.robot)
            or (keyed and self._has_two_machines(order.robot) and not _is_in_a_file(order))
            for order in orders
        )

    async def kept(self, handing: Handing, accept: AcceptAs) -> Accepted:
        """See `Witness`."""
        words = self._words(handing)
        row_id, known = words["id"], None
        # what our own disk takes late is accepted, unless its row was taken back before
        stands: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.under_way.add(row_id)
        try:
            before = await self._in_time(self._keep(words))
            if before is not None:
                known, row_id = before, before.id
                if known.fingerprint != words["fingerprint"]:
                    raise RobotqError("idempotency_conflict")
                if known.robot not in self._engine.robots or not await self._is_ours(known):
                    # it came at another door, and is told of there
                    task_id = known.task_id or known.id
                    return Accepted(task_ids=(task_id,), batch_id=None, queue_size=0, repeated=True)
            crash_point(CrashPoint.FLEET_TAKING)
            try:
                first, *others = handing.orders
                accepted = await accept([replace(first, task_id=row_id), *others], stands)
            except RobotqError as error:
                late = isinstance(error, NotAnswered)
                if known is None and not (late and handing.stands):
                    await self._withdraw(row_id)
                    stands.set_result(False)
                elif late and known is not None:
                    # it was accepted before, and comes in
                    return Accepted(task_ids=(row_id,), batch_id=None, queue_size=0, repeated=True)
                raise
            crash_point(CrashPoint.FLEET_TAKEN)
            if len(self._to_settle) < _SETTLED:
                self._to_settle.append(row_id)
            return accepted
        finally:
            if not stands.done():
                stands.set_result(True)
            self.under_way -= {words["id"], row_id}

    async def told(self) -> None:
        """What was written here until now is in the database too. Raises RobotqError fleet_away:
        it stands here then, and nobody knows whether it does there."""
        wanted = self._engine.reads.last_event_id
        until = asyncio.get_running_loop().time() + LIMIT_S
        while self._sent() < wanted:
            why = self._why_not()
            if why is None and asyncio.get_running_loop().time() > until:
                why = f"no answer within {LIMIT_S:g} s"
            if why is not None:
                raise RobotqError("fleet_away", reason=why)
            await asyncio.sleep(_LOOK_S)

    async def settle(self) -> None:
        """Tell the database what was accepted. Raises DatabaseAway."""
        ids = list(self._to_settle)
        if not ids:
            return
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["accepted"], {**self._member.words, "ids": ids})
        del self._to_settle[: len(ids)]

    # -- one command ---------------------------------------------------------------------------

    def _words(self, handing: Handing) -> dict[str, Any]:
        """The row. Raises RobotqError fleet_away, bad_parameter."""
        why = self._why_not() or (None if self._member.joined else self._member.refused)
        theirs = {one.robot for one in handing.orders} & self._member.not_ours.keys()
        if why is None and theirs:
            why = f"the fleet knows {', '.join(sorted(theirs))} as another daemon's"
        if why is not None:
            raise RobotqError("fleet_away", reason=why)
        keyed, orders = handing.keyed, handing.orders
        body: JsonObject = body_of(orders[0], self._engine.config.limits.body_bytes)
        if handing.batch:
            limit = self._engine.config.limits.body_bytes
            body = {
                "batch": [body_of(order, limit) for order in orders],
                "contiguous": handing.contiguous,
            }
        return {
            **self._member.words,
            "id": new_id(self._engine.clock.now_ms()),
            "robot": orders[0].robot,
            "body": orjson.dumps(body).decode(),
            "caller": handing.actor,
            "scopes": ["submit"],
            "agent": handing.agent,
            "key_scope": None if keyed is None else keyed.scope,
            "key": None if keyed is None else keyed.key,
            "fingerprint": None if keyed is None else keyed.fingerprint,
            "expires_at_ms": None if handing.batch else orders[0].expires_at_ms,
        }

    async def _keep(self, words: dict[str, Any]) -> _Before | None:
        """Write the row; what has its key already instead, where something has."""
        async with self._database.transaction() as connection:
            if await (await connection.execute(_SQL["keep"], words)).fetchone() is not None:
                return None
            row = await (await connection.execute(_SQL["keyed"], words)).fetchone()
        if row is None:
            # retention has removed it just now: it had come, and its end was told
            raise RobotqError("idempotency_conflict")
        return _Before(*row)

    async def _is_ours(self, known: _Before) -> bool:
        """Whether it is to be taken in here now. The row says `taking` then."""
        if known.state not in _OPEN or known.id in self.under_way:
            return False
        if await self._engine.reads.task_if_any(known.id) is not None:
            return False
        self.under_way.add(known.id)
        words = {**self._member.words, "id": known.id}
        return await self._in_time(self._take(words))

    async def _take(self, words: dict[str, Any]) -> bool:
        async with self._database.transaction() as connection:
            found = await connection.execute(_SQL["mine"], words)
            return await found.fetchone() is not None

    async def _withdraw(self, row_id: str) -> None:
        """It is not in the queue here. Where the row cannot be taken back, nobody may say so: it
        is taken in later. Raises RobotqError fleet_away."""
        words = {**self._member.words, "id": row_id}

        async def remove() -> None:
            async with self._database.transaction() as connection:
                await connection.execute(_SQL["withdraw"], words)

        await self._in_time(remove())

    async def _in_time(self, asking: Awaitable[_T]) -> _T:
        """What the database says. Raises RobotqError fleet_away: nobody knows then what it did."""
        task: asyncio.Future[_T] = asyncio.ensure_future(asking)
        done, _ = await asyncio.wait({task}, timeout=LIMIT_S)
        if not done:
            # whatever it does in the end, the inbox finds it
            self._late.add(task)  # type: ignore[arg-type]
            task.add_done_callback(self._over)
            raise RobotqError("fleet_away", reason=f"no answer within {LIMIT_S:g} s")
        try:
            return task.result()
        except DatabaseAway as error:
            raise away(error) from error

    def _over(self, task: asyncio.Future[Any]) -> None:
        self._late.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("the fleet's database did not answer in time: %s", error)


class _Before(msgspec.Struct, frozen=True):
    """A row that has the same key."""

    id: str
    fingerprint: str
    robot: str
    state: str
    daemon: str | None
    task_id: str | None


def body_of(order: Order, limit_bytes: int) -> JsonObject:
    """A command as somebody could send it, which is read again as this order.

    Raises RobotqError bad_parameter for one whose program is in a file.
    """
    if _is_in_a_file(order):
        # the database keeps what a request may bring, and no files
        reason = (
            f"the robot has durability: fleet, so its programs go into the fleet's database, and "
            f"may have {limit_bytes} bytes (limits.body_bytes)"
        )
        raise RobotqError("bad_parameter", field="params", reason=reason)
    return _body(order.command, order.robot, order)


def _is_in_a_file(order: Order) -> bool:
    """Its program is larger than a request may bring."""
    params = order.command.params
    return isinstance(params, dict) and any(isinstance(one, HandedIn) for one in params.values())


def body_of_task(task: Task) -> JsonObject:
    """The same of a task as its daemon told of it. Raises RobotqError program_lost where that
    only names a program."""
    params = task.command.params
    for value in params.values() if isinstance(params, dict) else ():
        if isinstance(value, dict) and value.keys() == {"sha256", "bytes", "head"}:
            reason = "the fleet knows where it is, and not its text"
            raise RobotqError("program_lost", sha256=value["sha256"], reason=reason)
    return _body(task.command, task.queue, task)


class _When(Protocol):
    """What an order and a task say alike."""

    @property
    def priority(self) -> int: ...
    @property
    def not_before_ms(self) -> int | None: ...
    @property
    def expires_at_ms(self) -> int | None: ...
    @property
    def repeat(self) -> Repeat | None: ...


def _body(command: Command, robot: str, when: _When) -> JsonObject:
    repeat = when.repeat
    given: JsonObject = {
        "cmd_id": command.cmd_id,
        "callback_url": command.callback_url,
        "priority": when.priority or None,
        "not_before": when.not_before_ms,
        "expires_at": when.expires_at_ms,
        "repeat": None if repeat is None else _repeat(repeat),
    }
    return {
        **command.extra,
        "cmd_type": command.cmd_type,
        "params": command.params,
        "robot_id": robot,
        **{name: value for name, value in given.items() if value is not None},
    }


def _repeat(repeat: Repeat) -> JsonObject:
    """With the runs that are left."""
    left = None if repeat.count is None else max(1, repeat.count - repeat.run + 1)
    given = {"count": left, "interval_s": repeat.interval_s, "on_failure": repeat.on_failure}
    return {name: value for name, value in given.items() if value is not None}
