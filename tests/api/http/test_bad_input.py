"""Bad input of every kind gets its documented error and changes nothing."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient

from tests.api.lab import GO_HOME, SCAN, Lab

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def lab(lab_at_work: Lab) -> AsyncIterator[Lab]:
    """What was there before the test is there after it, and nothing else."""
    before = await lab_at_work.facts()
    yield lab_at_work
    assert await lab_at_work.facts() == before


def _nested(depth: int) -> bytes:
    return b'{"cmd_type": "SCAN_QRCODE", "extra": ' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"cmd_type": "SCAN_QRCODE"', id="cut off"),
        pytest.param(b"cmd_type=SCAN_QRCODE", id="a form"),
        pytest.param(b'{"cmd_type": "SCAN_QRCODE", "params": {"timeout": NaN}}', id="NaN"),
        pytest.param(b'{"cmd_type": "SCAN_QRCODE", "x": Infinity}', id="Infinity"),
        pytest.param(b'{"cmd_type": "SCAN_QRCODE", "x": 1e999}', id="beyond a double"),
        pytest.param(b'{"cmd_type": "SCAN\xff"}', id="invalid UTF-8"),
        pytest.param(b'{"cmd_type": "\\ud800"}', id="half a character"),
        pytest.param(_nested(5_000), id="5,000 levels"),
        pytest.param(_nested(500), id="500 levels"),
        pytest.param(b'{"cmd_type": "SCAN_QRCODE"}{}', id="two values"),
        pytest.param(b"\xff\xfe{\x00}\x00", id="UTF-16"),
    ],
)
async def test_submit__broken_json_is_1001(lab: Lab, body: bytes) -> None:
    answer = await lab.post("/", body)
    assert answer.status == 400
    assert answer["code"] == 1001
    assert answer["message"].startswith("JSON格式错误: ")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        pytest.param(b"", 1002, "cmd_type", id="empty"),
        pytest.param({}, 1002, "cmd_type", id="nothing in it"),
        pytest.param({"cmd_type": ""}, 1002, "cmd_type", id="empty name"),
        pytest.param(b"null", 1003, "body", id="null"),
        pytest.param(b'"SCAN_QRCODE"', 1003, "body", id="a text"),
        pytest.param([], 1003, "body", id="no command"),
        pytest.param([GO_HOME, 7], 1003, "[1].body", id="a number in a batch"),
        pytest.param({"cmd_type": 7}, 1003, "cmd_type", id="a number for a name"),
        pytest.param({**SCAN, "params": "fast"}, 1003, "params", id="a text for params"),
        pytest.param(
            {**SCAN, "params": {"timeout": -1}}, 1003, "params.timeout", id="a negative timeout"
        ),
        pytest.param(
            {**SCAN, "params": {"timeout": "60"}}, 1003, "params.timeout", id="timeout a text"
        ),
        pytest.param(
            {**SCAN, "params": {"robot_id": "robot_z"}},
            1003,
            "params.robot_id",
            id="an unknown robot",
        ),
        pytest.param({**GO_HOME, "robot_id": 3}, 1003, "robot_id", id="a number for a robot"),
        pytest.param({**GO_HOME, "priority": 11}, 1003, "priority", id="priority 11"),
        pytest.param({**GO_HOME, "priority": "urgent"}, 1003, "priority", id="priority a word"),
        pytest.param({**GO_HOME, "priority": True}, 1003, "priority", id="priority true"),
        pytest.param({**GO_HOME, "cmd_id": {}}, 1003, "cmd_id", id="cmd_id an object"),
        pytest.param({"cmd_type": "NAVIGATION"}, 1002, "params.area", id="a parameter missing"),
    ],
)
async def test_submit__a_wrong_field_is_named(lab: Lab, body: Any, code: int, field: str) -> None:
    answer = await lab.post("/", body)
    assert answer.status == 400
    assert answer["code"] == code
    assert answer["field"] == field
    assert field in answer["message"]


async def test_submit__an_unknown_command_is_1004(lab: Lab) -> None:
    answer = await lab.post("/", {"cmd_type": "SCAN_QR_CODE"})
    assert answer.status == 400
    assert answer["code"] == 1004
    assert answer["message"] == "未知的命令类型: SCAN_QR_CODE"
    assert "SCAN_QRCODE" in answer["suggestions"]


async def test_submit__one_bad_item_refuses_the_batch_and_is_named(lab: Lab) -> None:
    answer = await lab.post("/", [GO_HOME, GO_HOME, {"cmd_type": "FLY"}])
    assert answer.status == 400
    assert answer["error_code"] == "unknown_command"
    assert answer["index"] == 2


async def test_submit__ten_megabytes_are_1005(lab: Lab) -> None:
    answer = await lab.post("/", io.BytesIO(b'{"cmd_type": "' + b"x" * 10_000_000))
    assert answer.status == 413
    assert answer["code"] == 1005
    assert answer["limit_bytes"] == 1_048_576


async def test_submit__ten_megabytes_without_an_announcement_are_1005(lab: Lab) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b" " * 65_536

    answer = await lab.ask("POST", "/", data=endless())
    assert answer.status == 413
    assert answer["code"] == 1005


async def test_submit__a_bad_idempotency_key_is_named(lab: Lab) -> None:
    answer = await lab.post("/", GO_HOME, headers={"Idempotency-Key": "k" * 256})
    assert answer.status == 400
    assert answer["field"] == "Idempotency-Key"


async def test_submit__a_bad_query_is_named(lab: Lab) -> None:
    answer = await lab.post("/?dry_run=perhaps", GO_HOME)
    assert answer.status == 400
    assert answer["field"] == "dry_run"


async def test_submit__another_path_is_1007(lab: Lab) -> None:
    answer = await lab.post("/command", GO_HOME)
    assert answer.status == 404
    assert answer["code"] == 1007


async def test_submit__an_expectation_is_met_or_passed_over(lab: Lab) -> None:
    asked_first = await lab.post("/?dry_run=1", GO_HOME, expect100=True)
    assert asked_first.status == 200
    unheard_of = await lab.post("/?dry_run=1", GO_HOME, headers={"Expect": "a-miracle"})
    assert unheard_of.status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
async def test_path__a_wrong_method_is_1006_and_tells_the_right_ones(lab: Lab, method: str) -> None:
    answer = await lab.ask(method, "/queue/status")
    assert answer.status == 405
    assert answer["code"] == 1006
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "path",
    [
        "/..%2f..%2fetc%2fpasswd",
        "/task/..%2f..%2frobotq.db",
        "/task/../../etc/passwd",
        "/robots/..%2frobot_a",
        "/task/%00",
        "/task/%ff%fe",
        "/task/%0a%0d",
        "/%0a",
        "/task/" + "x" * 4_000,
        "/task/'%20OR%201=1--",
        "/task/%3Cscript%3E",
        "/task/",
        "/task",
        "//",
        "/queue/status/",
        "/favicon.ico",
    ],
)
async def test_path__a_strange_one_is_an_error_in_json(lab: Lab, path: str) -> None:
    raw = await _raw(
        lab,
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n",
    )
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"Content-Type: application/json" in head
    answer = orjson.loads(body)
    assert answer["success"] is False
    assert answer["error_code"] in ("not_found", "task_not_found", "bad_parameter")


@pytest.mark.parametrize(
    "request_text",
    [
        pytest.param("POKE / HTTP/1.1\r\nAccept: text/html\r\n\r\n", id="a strange method"),
        pytest.param("GET\r\n\r\n", id="no path"),
        pytest.param("GET / HTTP/9.9\r\nAccept: text/html\r\n\r\n", id="a version to come"),
        pytest.param(
            "GET / HTTP/1.1\r\nAccept: text/html\r\nHost: x\r\nA" + "b" * 9_000 + ": c\r\n\r\n",
            id="a long header",
        ),
        pytest.param(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", id="length -1"
        ),
        pytest.param("\x16\x03\x01\x02\x00\x01", id="TLS"),
        pytest.param("OPTIONS * HTTP/1.0\r\nHost: localhost\r\n\r\n", id="OPTIONS *"),
        pytest.param(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
            "Content-Length: 4\r\n\r\nnope",
            id="not gzip",
        ),
        pytest.param(
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            id="not chunks",
        ),
    ],
)
async def test_protocol__what_is_no_http_gets_no_page(lab: Lab, request_text: str) -> None:
    raw = await _raw(lab, request_text)
    assert b"html" not in raw.lower()
    assert re.match(rb"HTTP/1.[01] 4\d\d ", raw)


async def test_protocol__a_client_that_leaves_in_the_middle_of_a_body(lab: Lab) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", lab.client.port)
    writer.write(b'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"cmd_type"')
    await writer.drain()
    assert (await lab.get("/health")).status == 200
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/task/x?wait=61", "wait"),
        ("/task/x?wait=-1", "wait"),
        ("/task/x?wait=nan", "wait"),
        ("/task/x?wait=soon", "wait"),
        ("/tasks?limit=0", "limit"),
        ("/tasks?limit=501", "limit"),
        ("/tasks?state=done", "state"),
        ("/tasks?status=cancelled", "status"),
        ("/tasks?from=yesterday", "from"),
        ("/tasks?to=99999999999999999999", "to"),
        ("/tasks?cursor=abc", "cursor"),
        ("/tasks?cursor=99999999999999999999999", "cursor"),
        ("/queue/status?limit=201", "limit"),
        ("/queue/status?robot_id=robot_z", "robot_id"),
        ("/robots/robot_z", "robot_id"),
        ("/events?last_event_id=x", "last_event_id"),
    ],
)
async def test_query__a_bad_value_is_named(lab: Lab, path: str, field: str) -> None:
    answer = await lab.get(path)
    assert answer.status == 400
    assert answer["code"] == 1003
    assert answer["field"] == field


async def test_query__an_unknown_parameter_is_passed_over(lab: Lab) -> None:
    assert (await lab.get("/queue/status?verbose=1")).status == 200


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/queue/pause", {"robot": "robot_a"}, "robot"),
        ("/queue/resume", {"robotid": "robot_a"}, "robotid"),
        ("/queue/pause", {"robot_id": "robot_z"}, "robot_id"),
        ("/queue/pause?robot_id=robot_b", {"robot_id": "robot_a"}, "robot_id"),
        ("/queue/pause", [], "body"),
        ("/queue/pause", {"reason": 7}, "reason"),
        ("/task/x/resolve", {}, "outcome"),
        ("/task/x/resolve", {"outcome": "maybe"}, "outcome"),
        ("/task/x/cancel", {"reason": "r" * 501}, "reason"),
        ("/robots/robot_z/stop", {}, "robot_id"),
        ("/robots/robot_a/hold", {"for": 3}, "for"),
        ("/estop/reset", {"robot": "robot_a"}, "robot"),
        ("/reload", {"file": "/etc/passwd"}, "file"),
    ],
)
async def test_action__a_bad_body_is_named(lab: Lab, path: str, body: Any, field: str) -> None:
    answer = await lab.post(path, body)
    assert answer.status == 400
    assert answer["error_code"] in ("bad_parameter", "missing_parameter")
    assert answer["field"] == field


@pytest.mark.parametrize("action", ["cancel", "input", "retry"])
async def test_action__an_unknown_task_is_3001(lab: Lab, action: str) -> None:
    answer = await lab.post(f"/task/task_20231215_143022_abc123/{action}", {})
    assert answer.status == 404
    assert answer["code"] == 3001


async def test_action__broken_json_is_1001(lab: Lab) -> None:
    for path in ("/queue/pause", "/task/x/cancel", "/task/x/input", "/estop/reset"):
        assert (await lab.post(path, b"{")).body["code"] == 1001


async def _raw(lab: Lab, text: str) -> bytes:
    """Send these very bytes; everything that comes back until the connection is silent."""
    client: TestClient[web.Request, web.Application] = lab.client
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    try:
        writer.write(text.encode("latin-1"))
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
