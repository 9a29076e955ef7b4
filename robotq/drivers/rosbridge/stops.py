"""Stopping: cancels that wait behind nothing, each on a socket that is open before it is needed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import CancelledError, Future, wait
from typing import Any

from robotq.drivers.base import LinkLost
from robotq.drivers.rosbridge.bridge import Bridge, Socket
from robotq.drivers.rosbridge.messages import (
    ALL_GOALS,
    CancelCode,
    GoalId,
    Incoming,
    Responded,
    advertise,
    call_service,
    cancel,
    cancel_code,
    publish,
)
from robotq.drivers.rosbridge.ready import Halt, ReadyRobot
from robotq.model.json import JsonObject

_log = logging.getLogger(__name__)

STOP_S = 0.5
"""Wall seconds that a stop waits for the word of the servers; the command goes on to wait."""
_CONNECT_S = 12.0
"""Wall seconds in which everything that a stop needs is open."""
_ANSWER_S = 2.0
"""Wall seconds in which a server answers a cancel; a socket is of no more use after that."""
_PUBLISHED = 3
"""Times that a message of an emergency stop is published: a subscriber may lose one."""
_BETWEEN_S = 0.1
_NOBODY: GoalId = b"\xff" * 16
"""A goal that nobody has: to cancel it moves nothing, and shows that a cancel would get there."""


class Prepared:
    """A socket that is open, for one thing to be sent on it, and for its answer."""

    def __init__(self, bridge: Bridge) -> None:
        self._answer: asyncio.Future[Responded] = asyncio.get_running_loop().create_future()
        self.id = bridge.new_id()
        self.socket = Socket(bridge, self._came, self._lost)

    async def answer(self) -> Responded:
        """Raises LinkLost, TimeoutError."""
        async with asyncio.timeout(_ANSWER_S):
            return await self._answer

    def _came(self, incoming: Incoming) -> None:
        if isinstance(incoming, Responded) and incoming.id == self.id and not self._answer.done():
            self._answer.set_result(incoming)

    def _lost(self, reason: str) -> None:
        if not self._answer.done():
            self._answer.set_exception(LinkLost(reason))
            # nobody may be waiting for it
            self._answer.exception()


class Stops:
    """Everything that stops the robot. `cancel` and `halt` return at once, with what comes of it
    later."""

    def __init__(self, bridge: Bridge, ready: ReadyRobot) -> None:
        self._bridge = bridge
        self._ready = ready
        self._spare: dict[str, Prepared] = {}
        self._preparing: set[asyncio.Task[None]] = set()
        self._making: Future[list[str]] | None = None
        self.refusing: set[str] = set()
        """Actions whose server has refused the last cancel."""

    def prepare(self) -> list[str]:
        """Open a socket for each action and each halt, and see that a cancel would get through.
        Waits for that. The actions whose server does not answer; raises LinkLost."""
        making = self._making = self._bridge.begin(self._prepare())
        try:
            return making.result(_CONNECT_S)
        except CancelledError as error:
            raise LinkLost("a stop came before the bridge had answered") from error
        except TimeoutError as error:
            making.cancel()
            raise LinkLost(f"{self._bridge.url}: no answer within {_CONNECT_S:g} s") from error
        finally:
            self._making = None

    def give_up(self) -> None:
        """Have `prepare` end."""
        making = self._making
        if making is not None:
            making.cancel()

    def cancel(self, action: str, goal: GoalId = ALL_GOALS) -> Future[CancelCode | None]:
        """Cancel a goal, or all. Comes to what the server says, None where it does not say it;
        raises LinkLost."""
        return self._bridge.begin(self._cancel(action, goal))

    def heard(self, told: Mapping[str, Future[CancelCode | None]]) -> list[str]:
        """What is wrong with cancels, as far as it shows within a moment. Raises LinkLost where
        none has got out."""
        wait(told.values(), timeout=STOP_S)
        wrong, lost = [], []
        for action, each in told.items():
            if not each.done():
                wrong.append(f"{action} has not answered yet")
            elif (error := each.exception()) is not None:
                lost.append(str(error))
            elif each.result() is CancelCode.REJECTED:
                wrong.append(f"{action} refuses to cancel")
                self.refusing.add(action)
            else:
                self.refusing.discard(action)
        if lost and len(lost) == len(told):
            raise LinkLost(lost[0])
        return wrong + lost

    def halt(self) -> list[Future[None]]:
        """What an emergency stop sends besides. Each raises LinkLost."""
        return [self._bridge.begin(self._halt(halt)) for halt in self._ready.halts]

    def close(self) -> None:
        if not self._bridge.is_shut:
            self._bridge.begin(self._close())

    # -- on the loop ---------------------------------------------------------------------------

    async def _prepare(self) -> list[str]:
        await self._close()
        actions = list(self._ready.actions)
        found = await asyncio.gather(*(self._there(action) for action in actions))
        for action in actions:
            await self._keep(action)
        for halt in self._ready.halts:
            await self._keep(_key(halt), halt)
        return [action for action, there in zip(actions, found, strict=True) if not there]

    async def _there(self, action: str) -> bool:
        """Whether the server of an action answers a cancel for a goal that nobody has."""
        told = await self._asked(await self._made(), lambda id_: cancel(id_, action, _NOBODY))
        if told is None:
            raise LinkLost(
                f"{self._bridge.url}: no answer to a call of {action}/_action/cancel_goal: either "
                "this is no rosbridge, or its services_glob does not let it through"
            )
        return told.carried and cancel_code(told.values) is not None

    async def _cancel(self, action: str, goal: GoalId) -> CancelCode | None:
        told = await self._asked(await self._taken(action), lambda id_: cancel(id_, action, goal))
        if told is None or not told.carried:
            return None
        return cancel_code(told.values)

    async def _halt(self, halt: Halt) -> None:
        key = _key(halt)
        if halt.service is not None:
            service = halt.service
            await self._asked(
                await self._taken(key),
                lambda id_: call_service(id_, service, halt.type, halt.content),
            )
            return
        spare = self._spare.get(key)
        if spare is None or not spare.socket.is_open:
            spare = await self._keep(key, halt)
        assert halt.topic is not None
        for _ in range(_PUBLISHED):
            await spare.socket.sent(publish(halt.topic, halt.content))
            await asyncio.sleep(_BETWEEN_S)

    async def _asked(
        self, prepared: Prepared, message: Callable[[str], JsonObject]
    ) -> Responded | None:
        try:
            await prepared.socket.sent(message(prepared.id))
            return await prepared.answer()
        except TimeoutError:
            return None
        finally:
            self._later(prepared.socket.closed())

    async def _taken(self, key: str) -> Prepared:
        """The socket that was kept for this, or a new one; another one is prepared at once."""
        spare = self._spare.pop(key, None)
        if spare is None or not spare.socket.is_open:
            spare = await self._made()
        self._later(self._kept_again(key))
        return spare

    async def _kept_again(self, key: str) -> None:
        try:
            await self._keep(key)
        except LinkLost as error:
            # the next stop opens one itself
            _log.warning("%s: no spare socket for a stop: %s", self._bridge.robot, error)

    async def _keep(self, key: str, halt: Halt | None = None) -> Prepared:
        spare = await self._made()
        if halt is not None and halt.topic is not None:
            # a publisher needs a moment to be found by those who listen
            await spare.socket.sent(advertise(self._bridge.new_id(), halt.topic, halt.type))
        before, self._spare[key] = self._spare.get(key), spare
        if before is not None:
            self._later(before.socket.closed())
        return spare

    async def _made(self) -> Prepared:
        prepared = Prepared(self._bridge)
        await prepared.socket.opened()
        return prepared

    async def _close(self) -> None:
        spares, self._spare = self._spare, {}
        for spare in spares.values():
            self._later(spare.socket.closed())

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)


def _key(halt: Halt) -> str:
    return f"{halt.service or halt.topic}#stop"
