"""Who gets through: by host, by origin, by key, by network."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import Mock

import pytest
import pytest_asyncio
from aiohttp import ClientError, WSMsgType, web
from aiohttp.test_utils import TestServer, make_mocked_request

from robotq.api.access.guard import ANONYMOUS, Guard
from robotq.api.access.keys import KeyFile
from robotq.api.access.scopes import Scope
from robotq.api.context import UNDER_WAY
from robotq.api.interfaces import FLEET_INTERFACE, INTERFACES
from robotq.api.root import ROBOT, ROUTES
from robotq.model.errors import ConfigError, RobotqError
from tests.api.conftest import StartLab, lab_config
from tests.api.lab import BY_HAND, GO_HOME, Lab

CHANGING = [(route.method, route.path) for route in ROUTES if route.changes]


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


class TestWithoutKeys:
    """Only programs on this machine and in trusted networks, and no web page of another site."""

    pytestmark = pytest.mark.asyncio(loop_scope="module")

    @pytest_asyncio.fixture(loop_scope="module")
    async def lab(self, lab_at_work: Lab) -> AsyncIterator[Lab]:
        before = lab_at_work.engine.reads.last_event_id
        yield lab_at_work
        assert lab_at_work.engine.reads.last_event_id == before, "something was changed"

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://localhost:3000"},
            {"Origin": "file://"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Host": "evil.example:8090"},
        ],
    )
    async def test_guard__another_site_changes_nothing(
        self, lab: Lab, headers: dict[str, str]
    ) -> None:
        for method, route in CHANGING:
            path = re.sub(r"\{\w+\}", "robot_a", route)
            answer = await lab.ask(method, path, json=GO_HOME, headers=headers)
            assert answer.status == 403, route
            assert answer["code"] == 1008
            assert not [name for name in answer.headers if name.startswith("Access-Control")]

    @pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil"}])
    async def test_guard__another_site_hears_no_events(
        self, lab: Lab, headers: dict[str, str]
    ) -> None:
        assert (await lab.get("/events", headers=headers)).status == 403

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8090",
            "[::2]:8090",
            "10.9.8.7",
            "",
            "[",
            ":8090",
            "[::1].evil",
            "[::1].evil:8090",
            "[::1]evil",
            "[::1]:8090:1",
            "[::1]@evil",
            "[]",
            "localhost:8090@evil",
        ],
    )
    async def test_guard__a_host_that_is_not_ours_sees_nothing(self, lab: Lab, host: str) -> None:
        for path in ("/queue/status", "/health", "/nowhere"):
            answer = await lab.get(path, headers={"Host": host})
            assert answer.status == 403
            assert answer["code"] == 1008

    @pytest.mark.parametrize(
        "host",
        [
            "localhost",
            "LOCALHOST:8090",
            "localhost.:8090",
            "127.0.0.1",
            "127.0.0.1:9999",
            "[::1]:8090",
            socket.gethostname(),
        ],
    )
    async def test_guard__our_own_names_are_known(self, lab: Lab, host: str) -> None:
        assert (await lab.get("/queue/status", headers={"Host": host})).status == 200

    @pytest.mark.parametrize("name", ["Host", "Origin", "Sec-Fetch-Site"])
    @pytest.mark.parametrize("value", [b"\xff\xfe", "\u79d8".encode(), b"local\x7fhost", b"a\tb"])
    async def test_guard__bytes_that_are_no_text_are_refused_as_that(
        self, lab: Lab, name: str, value: bytes
    ) -> None:
        head = b"" if name == "Host" else b"Host: localhost\r\n"
        for line in (b"POST /queue/pause", b"GET /nowhere", b"GET /queue/status"):
            if name == "Sec-Fetch-Site" and not line.startswith(b"POST"):
                continue
            reader, writer = await asyncio.open_connection("127.0.0.1", lab.client.port)
            writer.write(
                line + b" HTTP/1.1\r\n" + head + name.encode() + b": " + value + b"\r\n\r\n"
            )
            async with asyncio.timeout(5):
                assert (await reader.readline()).split()[1] == b"400"
            writer.close()
            await writer.wait_closed()

    async def test_guard__a_client_of_http_1_0_may_leave_host_out(self, lab: Lab) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", lab.client.port)
        writer.write(b"GET /health HTTP/1.0\r\n\r\n")
        async with asyncio.timeout(5):
            assert (await reader.readline()).startswith(b"HTTP/1.0 200")
        writer.close()
        await writer.wait_closed()

    async def test_guard__our_own_pages_get_through(self, lab: Lab) -> None:
        own = f"127.0.0.1:{lab.client.port}"
        headers = {"Host": own, "Origin": f"http://{own}", "Sec-Fetch-Site": "same-origin"}
        answer = await lab.post("/?dry_run=1", GO_HOME, headers=headers)
        assert answer.status == 200
        typed = await lab.post("/?dry_run=1", GO_HOME, headers={"Sec-Fetch-Site": "none"})
        assert typed.status == 200

    async def test_guard__a_key_is_of_no_account_while_there_are_none(self, lab: Lab) -> None:
        assert (await lab.get("/queue/status", headers=_bearer("rq_x"))).status == 200


async def test_guard__allowed_hosts_name_the_daemon_behind_a_proxy(start_lab: StartLab) -> None:
    lab = await start_lab(allowed_hosts=["Robots.example", "lab.example:8443"])
    for host in ("robots.example", "robots.example:80", "lab.example:8443"):
        assert (await lab.get("/queue/status", headers={"Host": host})).status == 200
    for origin in ("https://robots.example", "https://lab.example:8443"):
        answer = await lab.post("/queue/pause", headers={"Origin": origin})
        assert answer.status == 200
    answer = await lab.post("/queue/pause", headers={"Origin": "https://lab.example"})
    assert answer.status == 403


def test_routes__a_get_that_hands_out_work_is_a_change() -> None:
    every = [
        (one.name, route) for one in (*INTERFACES, FLEET_INTERFACE, ROBOT) for route in one.routes
    ]
    gets = [(name, route) for name, route in every if route.method == "GET"]
    handing_out = [
        (name, route.path)
        for name, route in gets
        if route.scope.startswith("worker") and not route.websocket
    ]
    # a connection over which somebody moves a robot is opened by a GET too
    acting = [(name, route.path) for name, route in gets if route.acts and not route.websocket]
    # whoever may take tasks may look at them with a key for reading; what asks for more acts
    assert acting == handing_out
    assert ("orchestrator", "/api/v1/tasks/next") in acting
    assert ("task_queue", "/api/tasks/next") in acting


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_guard__another_site_takes_no_task(
    start_lab: StartLab, headers: dict[str, str]
) -> None:
    lab = await start_lab()
    path = "/apis/orchestrator/api/v1/tasks/next?work_dir=/x"
    async with lab.client.get(path, headers=headers) as response:
        assert response.status == 403
    async with lab.client.head(path) as response:
        assert response.status == 400, "whoever sends HEAD would never see the task"
    async with lab.client.get(path) as response:
        assert response.status != 403


async def test_keys__the_last_one_revoked_lets_nobody_in(
    start_lab: StartLab, tmp_path: Path
) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    text = await asyncio.to_thread(keys.new, "only", ["read"])
    await asyncio.to_thread(keys.revoke, "only")
    lab = await start_lab()
    for how in ({}, {"headers": _bearer(text)}):
        assert (await lab.post("/reload", **how)).status == 401
        assert (await lab.get("/queue/status", **how)).status == 401
        assert (await lab.get("/health", **how)).body == {"status": "ok"}


async def test_keys__the_configuration_can_ask_for_one_whatever_the_folder_says(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(require_key=True)
    assert (await lab.post("/", GO_HOME)).status == 401
    assert (await lab.get("/queue/status")).status == 401


@pytest.mark.parametrize(
    "beside", [{"allow_anonymous": True}, {"trusted_networks": ["127.0.0.0/8"]}]
)
def test_keys__asked_for_and_not_needed_is_a_contradiction(
    tmp_path: Path, beside: dict[str, object]
) -> None:
    with pytest.raises(ConfigError, match="require_key"):
        lab_config(tmp_path, require_key=True, **beside)


async def test_keys__a_request_that_waits_ends_with_its_key(
    start_lab: StartLab, tmp_path: Path
) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    text = await asyncio.to_thread(keys.new, "mes", ["read", "submit", "worker:dispatcher"])
    await asyncio.to_thread(keys.new, "other", ["read"])
    lab = await start_lab()
    asked = await lab.post("/", {**BY_HAND, "robot_id": "robot_a"}, headers=_bearer(text))
    client, key = lab.client, _bearer(text)
    assert isinstance(client.server, TestServer)
    under_way = client.server.app[UNDER_WAY]
    events = await client.get("/events", headers=key)
    worker = await client.ws_connect("/apis/dispatcher/ws?group=g", headers=key)
    assert (await worker.receive_json())["type"] == "connected"
    poll = asyncio.create_task(client.get(f"/task/{asked['task_id']}?wait=60", headers=key))
    slow = asyncio.create_task(client.post("/", data=_slowly(), headers=key))
    async with asyncio.timeout(10):
        while len(under_way) < 4:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        # by another process, as `robotq keys revoke` does it
        other = await asyncio.to_thread(KeyFile, tmp_path)
        await asyncio.to_thread(other.revoke, "mes")
        for ended in (poll, slow):
            with pytest.raises(ClientError):
                await ended
        with pytest.raises(ClientError):
            await events.read()
        assert (await worker.receive()).type in (WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR)
    assert len(under_way) == 0
    assert lab.engine.reads.unfinished == 1, "what had not come whole is no command"


async def _slowly() -> AsyncIterator[bytes]:
    yield b'{"cmd_type": '
    await asyncio.Event().wait()


@pytest.mark.slow
async def test_keys__every_route_asks_for_its_scope(start_lab: StartLab, tmp_path: Path) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    texts = {
        scope: await asyncio.to_thread(keys.new, scope.replace(":", "-"), [scope])
        for scope in ("read", "submit", "control", "admin", "worker:task_queue")
    }
    lab = await start_lab()
    for route in ROUTES:
        if route.stream:
            continue
        path = route.path.replace("{robot_id}", "robot_b").replace("{cmd_type}", "NAVIGATION")
        path = re.sub(r"\{\w+\}", "x", path)
        nobody = await lab.ask(route.method, path)
        assert (nobody.status == 401) == (route.scope is not Scope.OPEN)
        for scope, text in texts.items():
            answer = await lab.ask(route.method, path, headers=_bearer(text))
            allowed = route.scope in (Scope.OPEN, Scope.ANY) or scope in (route.scope, "admin")
            if route.scope is Scope.WORKER:
                # of which queue is asked when the body was read
                allowed = allowed or scope == "worker:task_queue"
            assert (answer.status not in (401, 403)) == allowed, (route.path, scope, answer.text)


async def test_keys__any_key_may_stop(start_lab: StartLab, tmp_path: Path) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    text = await asyncio.to_thread(keys.new, "worker", ["worker:x"])
    lab = await start_lab()
    assert (await lab.post("/robots/robot_a/stop", headers=_bearer(text))).status == 200
    stopped = await lab.post("/estop", headers=_bearer(text))
    assert stopped.status == 200
    assert lab.engine.holds.of("robot_b")[0].actor == "worker"
    assert (await lab.post("/estop/reset", headers=_bearer(text))).status == 403
    assert (await lab.post("/estop")).status == 401


async def test_keys__without_a_valid_one_nothing_is_shown(
    start_lab: StartLab, tmp_path: Path
) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    valid = await asyncio.to_thread(keys.new, "a", ["admin"])
    lab = await start_lab()
    for authorization in (
        "",
        "Bearer",
        "Bearer ",
        "Bearer rq_wrong",
        "Bearer 秘密",
        "Basic cm9ib3Q6cQ==",
        valid,
        f"Bearer {valid[:-1]}",
        f"Bearer {valid}, Bearer {valid}",
    ):
        answer = await lab.get("/queue/status", headers={"Authorization": authorization})
        assert answer.status == 401, authorization
        assert answer["code"] == 1009
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        health = await lab.get("/health", headers={"Authorization": authorization})
        assert health.body == {"status": "ok"}
    assert (await lab.get("/queue/status", headers=_bearer(valid))).status == 200


async def test_keys__signals_to_the_process_ask_for_control(
    start_lab: StartLab, tmp_path: Path
) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    text = await asyncio.to_thread(keys.new, "clerk", ["submit"])
    lab = await start_lab()
    answer = await lab.post("/", {"cmd_type": "START_WORKING"}, headers=_bearer(text))
    assert answer.status == 403
    assert answer["scope"] == "control"
    assert (await lab.post("/", GO_HOME, headers=_bearer(text))).status == 200


async def test_keys__the_name_of_the_key_stands_with_the_task(
    start_lab: StartLab, tmp_path: Path
) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    text = await asyncio.to_thread(keys.new, "lims", ["read", "submit"])
    lab = await start_lab()
    answer = await lab.post("/", GO_HOME, headers=_bearer(text))
    task = await lab.get(f"/task/{answer['task_id']}", headers=_bearer(text))
    assert task["actor"] == "lims"


async def test_networks__a_trusted_one_needs_no_key_and_a_wrong_key_is_refused(
    start_lab: StartLab, tmp_path: Path
) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    await asyncio.to_thread(keys.new, "a", ["read"])
    lab = await start_lab(trusted_networks=["127.0.0.0/8"])
    assert (await lab.post("/", GO_HOME)).status == 200
    assert (await lab.post("/", GO_HOME, headers=_bearer("rq_revoked"))).status == 401


@pytest.mark.parametrize(
    ("remote", "changes", "through"),
    [
        ("127.0.0.1", {}, True),
        ("127.1.2.3", {}, True),
        ("::1", {}, True),
        ("::ffff:127.0.0.1", {}, True),
        ("192.168.0.7", {}, False),
        ("fe80::1%eth0", {}, False),
        ("192.168.0.7", {"trusted_networks": ["192.168.0.0/24"]}, True),
        ("::ffff:192.168.0.7", {"trusted_networks": ["192.168.0.0/24"]}, True),
        ("192.168.1.7", {"trusted_networks": ["192.168.0.0/24"]}, False),
        ("fe80::1%eth0", {"trusted_networks": ["fe80::/10"]}, True),
        ("203.0.113.9", {"allow_anonymous": True}, True),
    ],
)
def test_networks__without_keys_strangers_may_nothing(
    tmp_path: Path, remote: str, changes: dict[str, object], through: bool
) -> None:
    config = lab_config(tmp_path, **changes)
    guard = Guard(KeyFile(tmp_path), [("0.0.0.0", 8090)], config)
    request = make_mocked_request("GET", "/", headers={"Host": "localhost"}).clone(remote=remote)
    if through:
        assert guard.check(request, config, scope=Scope.ADMIN, same_site=True) is ANONYMOUS
    else:
        with pytest.raises(RobotqError, match="A valid key is needed"):
            guard.check(request, config, scope=Scope.READ, same_site=False)


def test_guard__the_address_that_was_reached_is_a_name_of_ours(tmp_path: Path) -> None:
    config = lab_config(tmp_path)
    guard = Guard(KeyFile(tmp_path), [("0.0.0.0", 8090)], config)

    def reached(address: str) -> web.Request:
        transport = Mock(asyncio.Transport)
        transport.get_extra_info.side_effect = {"sockname": (address, 8090)}.get
        headers = {"Host": "172.16.11.130:8090"}
        request = make_mocked_request("GET", "/", headers=headers, transport=transport)
        return request.clone(remote="127.0.0.1")

    guard.check(reached("172.16.11.130"), config, scope=Scope.READ, same_site=False)
    with pytest.raises(RobotqError, match="allowed_hosts"):
        guard.check(reached("172.16.11.131"), config, scope=Scope.READ, same_site=False)


def test_guard__a_reload_of_the_configuration_counts_at_once(tmp_path: Path) -> None:
    config = lab_config(tmp_path)
    guard = Guard(KeyFile(tmp_path), [("0.0.0.0", 8090)], config)
    request = make_mocked_request("GET", "/", headers={"Host": "localhost"}).clone(
        remote="10.1.1.1"
    )
    opened = lab_config(tmp_path, trusted_networks=["10.0.0.0/8"])
    guard.check(request, opened, scope=Scope.READ, same_site=False)
    with pytest.raises(RobotqError):
        guard.check(request, config, scope=Scope.READ, same_site=False)
