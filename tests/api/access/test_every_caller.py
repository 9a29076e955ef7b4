"""Every route of every interface by every kind of caller, as the tables of routes say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout

from robotq.api.access.guard import AGENT_HEADER
from robotq.api.access.keys import KeyFile
from robotq.api.access.scopes import Scope, allows
from robotq.api.http.routes import Route
from robotq.api.interfaces import INTERFACES
from robotq.api.root import ROBOT
from tests.api.conftest import StartLab
from tests.api.lab import Lab
from tests.slices import some

SCOPES = (
    "read",
    "submit",
    "agent",
    "control",
    "admin",
    "worker:task_queue",
    "worker:orchestrator",
    "worker:dispatcher",
    "worker:*",
)


def _routes() -> Iterator[tuple[str, Route]]:
    for interface in (ROBOT, *INTERFACES):
        for route in interface.routes:
            path = interface.prefix + route.path
            path = path.replace("{robot_id}", "robot_b").replace("{cmd_type}", "NAVIGATION")
            yield re.sub(r"\{\w+\}", "x", path), route


ROUTES = list(_routes())


async def _status(lab: Lab, route: Route, path: str, headers: dict[str, str]) -> int:
    """Of streams only the head is waited for."""
    async with lab.client.request(route.method, path, headers=headers) as response:
        return response.status


def _refused(status: int) -> bool:
    return status in (401, 403)


def _expected(route: Route, scopes: tuple[str, ...]) -> bool:
    """What the table says, written down once more: the guard is what is tried."""
    return allows(scopes, route.scope)


@pytest.mark.slow
async def test_routes__give_each_caller_what_the_table_says(
    start_lab: StartLab, tmp_path: Path
) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    texts = {
        scope: await asyncio.to_thread(keys.new, f"key-{number}", [scope])
        for number, scope in enumerate(SCOPES)
    }
    revoked = await asyncio.to_thread(keys.new, "revoked", ["admin"])
    await asyncio.to_thread(keys.revoke, "revoked")
    lab = await start_lab()
    assert {str(route.scope) for _, route in ROUTES} <= {
        *(str(scope) for scope in Scope),
        *SCOPES,
    }
    wrong = []
    for path, route in ROUTES:
        nobody = route.scope is Scope.OPEN
        callers: list[tuple[str, dict[str, str], bool]] = [
            ("no key", {}, nobody),
            ("revoked", {"Authorization": f"Bearer {revoked}"}, nobody),
            ("no key, agent", {AGENT_HEADER: "x"}, nobody),
        ]
        for scope, text in texts.items():
            bearer = {"Authorization": f"Bearer {text}"}
            callers.append((scope, bearer, _expected(route, (scope,))))
        for name, headers, let_in in callers:
            status = await _status(lab, route, path, headers)
            if _refused(status) == let_in and not _decided_later(route, name, status):
                wrong.append((route.method, path, name, status))
    assert not wrong


def _decided_later(route: Route, name: str, status: int) -> bool:
    """The body says of which queue, or that a person is needed: refused behind the guard."""
    return status == 403 and (route.scope == Scope.WORKER or name == "agent")


@pytest.mark.slow
@pytest.mark.parametrize("how", some(["revoked", "gone", "network"], 1))
async def test_routes__let_nobody_in_any_more_after_keys_or_networks_change(
    start_lab: StartLab, tmp_path: Path, how: str
) -> None:
    """Requests go on over connections that were let in; each is asked about anew."""
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    text = await asyncio.to_thread(keys.new, "only", ["admin"])
    trusted = how == "network"
    lab = await start_lab(**({"trusted_networks": ["127.0.0.0/8"]} if trusted else {}))
    headers = {} if trusted else {"Authorization": f"Bearer {text}"}
    url = str(lab.client.make_url("/queue/status"))
    seen: list[list[int]] = [[] for _ in range(8)]
    done = asyncio.Event()

    async def ask(statuses: list[int]) -> None:
        async with ClientSession(timeout=ClientTimeout(total=10)) as session:
            while not done.is_set():
                async with session.get(url, headers=headers) as response:
                    statuses.append(response.status)

    asking = [asyncio.create_task(ask(statuses)) for statuses in seen]
    async with asyncio.timeout(20):
        while not all(len(statuses) > 5 for statuses in seen):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        other = await asyncio.to_thread(KeyFile, tmp_path)
        match how:
            case "revoked":
                await asyncio.to_thread(other.revoke, "only")
            case "gone":
                await asyncio.to_thread(other.path.unlink)
            case _:
                config = type(lab.engine.config)(
                    **{**vars(lab.engine.config), "trusted_networks": []}
                )
                lab.engine._parts.base.settings.put(config)
        while not all(statuses[-3:] == [401] * 3 for statuses in seen):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        done.set()
        await asyncio.gather(*asking)
    for statuses in seen:
        assert set(statuses) == {200, 401}
        assert statuses == sorted(statuses), "who is out stays out"
