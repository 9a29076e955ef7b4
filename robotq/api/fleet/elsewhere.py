"""What the robot interface does for robots and tasks of other daemons of the fleet."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from robotq.api.fleet.answers import handed_why, is_away, task_of_handed
from robotq.api.fleet.tasks import page
from robotq.api.http.call import Call
from robotq.api.http.errors import encoded
from robotq.api.http.routes import REPLAYED
from robotq.api.robot.answers.task import task_view
from robotq.api.robot.answers.words import words
from robotq.engine.intake.idempotency import KeyedRequest
from robotq.fleet.door import Handed
from robotq.fleet.fleet import Fleet
from robotq.fleet.outbox import SHARED_STORE
from robotq.fleet.peers import PeerAway
from robotq.model.carried.program import HandedIn
from robotq.model.errors import RobotqError
from robotq.model.task import Task
from robotq.wire import fleet as wire
from robotq.wire.robots import StoppedPeer

_LOOK_S = 0.25
_CANCEL_S = 15.0
"""Wall seconds that another daemon has to call a command off; a robot may have to stop for it."""
_PASSED_ON = ("Content-Type", "Idempotency-Replayed")


class OtherDaemons:
    """`Elsewhere`, where the daemon is in a fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def robot_of(self, call: Call, body: Any) -> str | None:
        """The robot of another daemon that a command names; None where it is for one of ours.
        Raises RobotqError bad_parameter for one that nobody knows."""
        if not isinstance(body, dict):
            return None
        inner = body.get("data") if "cmd_type" not in body else None
        for part in (body, inner):
            if not isinstance(part, dict):
                continue
            params = part.get("params")
            named = params.get("robot_id") if isinstance(params, dict) else None
            named = part.get("robot_id") if named is None else named
            if isinstance(named, str) and named not in call.engine.robots:
                self._require_known(named, call.engine.robots)
                return named
            if isinstance(named, str):
                return self._standby(named)
        return self._standby(call.engine.default_robot)

    def _require_known(self, robot: str, ours: Collection[str]) -> None:
        if self._fleet.daemon_of(robot) is not None:
            return
        peers = self._fleet.own.peers.values()
        known = dict.fromkeys((*ours, *sorted(name for peer in peers for name in peer.robots)))
        names = ", ".join(known) or "the fleet, which has no robots yet"
        raise RobotqError("bad_parameter", field="robot_id", reason=f"expected one of {names}")

    def _standby(self, robot: str) -> str | None:
        """A robot of ours that another daemon drives now."""
        standbys = self._fleet.standbys
        if standbys is None or not standbys.elsewhere(robot):
            return None
        return robot if self._fleet.daemon_of(robot) is not None else None

    async def hand_in(
        self,
        call: Call,
        body: dict[str, Any],
        robot: str,
        *,
        at_once: bool,
        keyed: KeyedRequest | None,
    ) -> web.StreamResponse:
        """A command for a robot of another daemon: into the inbox, where it waits until that
        daemon takes it. What is to be answered with a result or a judgement is asked of that
        daemon itself."""
        daemon = self._fleet.daemon_of(robot)
        assert daemon is not None
        if robot in call.engine.robots:
            # what names no robot is for our default one, which may not be theirs
            body = {"robot_id": robot, **body}
        if at_once or body.get("cmd_type") in self._at_once(daemon):
            return await self.passed_on(
                call, daemon, "POST", call.request.rel_url.raw_path_qs, body
            )
        if _has_file(body):
            limit = call.engine.config.limits.body_bytes
            reason = f"a program for a robot of another daemon may have {limit} bytes here"
            raise RobotqError("bad_parameter", field="params", reason=reason)
        task_id, repeated = await self._fleet.door.accept(
            body,
            robot=robot,
            caller=call.actor,
            scopes=sorted(call.caller.scopes),
            agent=call.caller.agent,
            keyed=keyed,
        )
        return call.answer(
            wire.AcceptedByFleet(
                success=True,
                message=words("accepted_by_fleet", call.language, daemon=daemon),
                task_id=task_id,
                robot_id=robot,
                daemon=daemon,
                note=words("accepted_by_fleet_note", call.language),
            ),
            headers=REPLAYED if repeated else None,
        )

    def _at_once(self, daemon: str) -> frozenset[str]:
        """The commands that act at once there, as far as that daemon has told."""
        for known in self._fleet.daemons:
            if known.name == daemon:
                return frozenset(known.state.get("at_once", ()))
        return frozenset()

    async def passed_on(
        self,
        call: Call,
        daemon: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        deadline_s: float = 30.0,
    ) -> web.StreamResponse:
        """The answer of another daemon to the same request, asked for the same caller. Raises
        RobotqError daemon_away."""
        headers = {
            name: call.request.headers[name]
            for name in ("Accept-Language", "Idempotency-Key", "Prefer")
            if name in call.request.headers
        }
        try:
            status, content, told = await self._fleet.peers.ask(
                daemon,
                method,
                path,
                caller=self.caller_of(call),
                body=None if body is None else orjson.dumps(body),
                headers=headers,
                deadline_s=deadline_s,
            )
        except PeerAway as error:
            raise RobotqError("daemon_away", daemon=daemon, reason=str(error)) from error
        return web.Response(
            body=content,
            status=status,
            headers={name: told[name] for name in _PASSED_ON if name in told},
        )

    def caller_of(self, call: Call) -> Mapping[str, Any]:
        return {
            # as it is, so that a key of theirs is the same at every door
            "name": call.actor,
            "scopes": sorted(call.caller.scopes),
            "agent": call.caller.agent,
        }

    async def task(self, call: Call, task_id: str, wait_s: float = 0.0) -> web.StreamResponse:
        """A task of another daemon, or a command in the inbox. Raises RobotqError task_not_found,
        fleet_away."""
        until = asyncio.get_running_loop().time() + wait_s
        while True:
            found, about = await self.find(call, task_id)
            if found.state.final or asyncio.get_running_loop().time() >= until:
                view = orjson.loads(encoded(task_view(found, call.engine, call.language)))
                return call.answer({**view, "why": [], "fleet": about})
            await asyncio.sleep(_LOOK_S)

    async def history(self, call: Call) -> tuple[Sequence[Task], str | None]:
        shown, cursor = await page(call)
        return [one.task for one in shown], cursor

    async def find(self, call: Call, task_id: str) -> tuple[Task, dict[str, Any]]:
        """The task, and where it is. Raises RobotqError task_not_found, fleet_away."""
        handed = await self._fleet.door.find(task_id)
        wanted = task_id if handed is None or handed.task_id is None else handed.task_id
        there = await self._fleet.view.task(wanted)
        if there is not None:
            shared = there.daemon == SHARED_STORE
            about: dict[str, Any] = {
                "daemon": there.daemon,
                "age_s": None if there.age_s is None else round(there.age_s, 1),
                "away": not shared
                and (there.age_s is None or there.age_s > self._fleet.config.away_s),
            }
            if there.also_at:
                about["also_at"] = list(there.also_at)
                about["also_unfinished"] = there.also_unfinished
            return there.task, {**about, **await self._handed_on(wanted, there.daemon)}
        if handed is None:
            raise RobotqError("task_not_found", task_id=task_id)
        return task_of_handed(handed), {
            "daemon": handed.daemon or self._fleet.daemon_of(handed.robot),
            "inbox": handed.state,
            "accepted_by": handed.door,
            "why": handed_why(handed, self._fleet, call.language),
            **await self._handed_on(task_id, handed.daemon),
        }

    async def _handed_on(self, task_id: str, daemon: str | None) -> dict[str, Any]:
        """What a person has made of a task of this daemon, whose machine is off."""
        handed = await self._fleet.handing_on.of(task_id)
        if handed is None or handed.daemon != daemon:
            return {}
        told = {"task_id": handed.new_id, "robot_id": handed.robot, "actor": handed.actor}
        return {"handed_on": {**told, "at_ms": handed.at_ms, "found": handed.found}}

    async def cancel(self, call: Call, task_id: str, body: Any) -> web.StreamResponse:
        """Call off what waits in the inbox here; what a daemon has, there. Raises RobotqError
        task_not_found, wrong_state, fleet_away, daemon_away."""
        reason = body.get("reason", "") if isinstance(body, dict) else ""
        if await self._fleet.door.cancel(task_id, actor=call.actor, reason=str(reason)[:500]):
            handed = await self._fleet.door.find(task_id)
            view = None if handed is None else self._view(call, handed)
            message = words("cancelled", call.language)
            return call.answer(
                {"success": True, "message": message, "task_id": task_id, "task": view}
            )
        found, about = await self.find(call, task_id)
        daemon = about["daemon"]
        if found.state.final or daemon is None:
            raise RobotqError(
                "wrong_state", task_id=task_id, state=found.state.value, action="cancel"
            )
        if about.get("also_unfinished"):
            # nobody knows which of them is meant
            named = ", ".join(sorted({daemon, *about["also_at"]}))
            raise RobotqError(
                "wrong_state",
                task_id=task_id,
                state=f"the id of a task at each of {named}",
                action="cancel",
            )
        if daemon == SHARED_STORE:
            daemon = self._one_that_shares()
        path = f"/task/{found.id}/cancel"
        return await self.passed_on(call, daemon, "POST", path, body, deadline_s=_CANCEL_S)

    async def not_told(self, robots: Collection[str]) -> tuple[str, ...]:
        """See `Elsewhere`."""
        standbys = self._fleet.standbys
        return () if standbys is None else await standbys.not_told(robots)

    def _one_that_shares(self) -> str:
        """Any daemon that has the store for workers that several have. Raises RobotqError
        daemon_away."""
        for known in self._fleet.daemons:
            if known.state.get("shares") and not is_away(known, self._fleet):
                return known.name
        raise RobotqError("daemon_away", daemon=SHARED_STORE, reason="nobody has told of it")

    def _view(self, call: Call, handed: Handed) -> Any:
        shown = task_view(task_of_handed(handed), call.engine, call.language)
        return orjson.loads(encoded(shown))

    async def spread_stop(self, call: Call, reason: str) -> Mapping[str, StoppedPeer]:
        """Stop the other daemons too, in the same moment; who has confirmed it within a second."""
        stop = self._fleet.stops.new(actor=call.actor, reason=reason)
        # ours are latched by the same turn of the loop; their holds are known then
        await asyncio.sleep(0)
        told = await self._fleet.stops.spread(stop, self._fleet.stops.holds_now())
        return {name: StoppedPeer.read(answer) for name, answer in told.items()}


def _has_file(body: dict[str, Any]) -> bool:
    """Whether a program of it is in a file here, and not in the text."""
    inner = body if "cmd_type" in body else body.get("data")
    params = inner.get("params") if isinstance(inner, dict) else None
    return isinstance(params, dict) and any(isinstance(one, HandedIn) for one in params.values())
