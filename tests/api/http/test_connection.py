"""Command after command, and poll after poll, over one connection to the daemon."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
import pytest

from robotq.api.access.keys import KeyFile
from robotq.api.connections.connection import Connection
from robotq.api.http.served import Served
from tests.api.conftest import StartLab
from tests.api.kept_connection import Client, home, request
from tests.api.lab import GO_HOME, Lab
from tests.api.served import serve


class Site:
    """A lab served as the daemon serves it."""

    def __init__(self, lab: Lab, keys: KeyFile, served: Served, port: int) -> None:
        self.lab = lab
        self.keys = keys
        self._served = served
        self._clients: list[Client] = []
        self.port = port

    def connections(self) -> Sequence[Connection]:
        return self._served.connections

    async def client(self) -> Client:
        client = await Client.of(self.port)
        self._clients.append(client)
        return client

    async def close(self) -> None:
        await self._served.close()
        for client in self._clients:
            await client.close()


@pytest.fixture
async def site(start_lab: StartLab) -> AsyncIterator[Site]:
    lab = await start_lab(queue__max_length=500)
    assert (await lab.post("/queue/pause")).status == 200
    keys = await asyncio.to_thread(KeyFile, lab.engine.config.data)
    served, port = await serve(lab, keys)
    site = Site(lab, keys, served, port)
    yield site
    await site.close()


async def test_commands__one_after_another_are_all_accepted_in_their_order(site: Site) -> None:
    client = await site.client()
    ids, heads = [], []
    for number in range(12):
        # some lengths have more digits than others
        status, headers, answer = await client.ask(request(home("x" * number * 9)))
        assert (status, answer["success"], answer["queue_size"]) == (200, True, number + 1)
        ids.append(answer["task_id"])
        heads.append({**headers, "Content-Length": "", "Date": ""})
    assert heads == heads[:1] * 12
    waiting = [task.id for task in site.lab.engine.reads.robot_queue("robot_a")]
    assert waiting == ids


async def test_commands__a_wrong_one_in_between_is_refused_as_ever(site: Site) -> None:
    client = await site.client()
    good = request(home("good"))
    for _ in range(2):
        assert (await client.ask(good))[0] == 200
        for bad, status, code in (
            (b'{"cmd_type": "NAVIGATION", ', 400, "bad_json"),
            ({"cmd_type": "NAVIGATE"}, 400, "unknown_command"),
            ({**GO_HOME, "priority": 99}, 400, "bad_parameter"),
            ([GO_HOME] * 2_000, 400, "bad_parameter"),
        ):
            found, _, answer = await client.ask(request(bad))
            assert (found, answer["error_code"]) == (status, code)
    assert site.lab.engine.reads.robot_queue("robot_a").waiting == 2


async def test_commands__that_act_at_once_and_lists_are_served_in_between(site: Site) -> None:
    client = await site.client()
    await client.ask(request(home("1")))
    assert (await client.ask(request({"cmd_type": "GET_ROBOT_MOTION_STATE"})))[2]["success"]
    assert len((await client.ask(request([home("2"), home("3")])))[2]["task_ids"]) == 2
    assert (await client.ask(request(home("4"))))[2]["queue_size"] == 4


async def test_commands__with_a_header_more_are_read_anew(site: Site) -> None:
    client = await site.client()
    await client.ask(request(home("1")))
    key = "Idempotency-Key: once"
    first = (await client.ask(request(home("2"), key)))[2]["task_id"]
    await client.ask(request(home("1")))
    status, headers, answer = await client.ask(request(home("2"), key))
    assert (status, headers["Idempotency-Replayed"]) == (200, "true")
    assert answer["task_id"] == first
    assert (await client.ask(request(home("5"), "Origin: http://evil.example")))[0] == 403


async def test_commands__end_when_the_queue_is_full_and_go_on_when_there_is_room(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(queue__max_length=3)
    assert (await lab.post("/queue/pause")).status == 200
    keys = await asyncio.to_thread(KeyFile, lab.engine.config.data)
    served, port = await serve(lab, keys)
    client = await Client.of(port)
    answers = [await client.ask(request(home(str(number)))) for number in range(5)]
    assert [status for status, _, _ in answers] == [200, 200, 200, 503, 503]
    assert answers[4][1]["Retry-After"]
    await lab.post(f"/task/{answers[0][2]['task_id']}/cancel")
    assert (await client.ask(request(home("again"))))[0] == 200
    await client.close()
    await served.close()


async def test_commands__of_a_revoked_key_are_refused(site: Site) -> None:
    text = await asyncio.to_thread(site.keys.new, "mes", ["submit"])
    client = await site.client()
    data = request(home("1"), f"Authorization: Bearer {text}")
    assert [(await client.ask(data))[0] for _ in range(3)] == [200, 200, 200]
    await asyncio.to_thread(site.keys.revoke, "mes")
    await asyncio.to_thread(site.keys.new, "other", ["submit"])
    assert (await client.ask(data))[0] == 401
    assert (await client.ask(data))[2]["error_code"] == "unauthorized"


async def test_commands__of_a_key_that_is_revoked_while_one_is_under_way_end_there(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = await asyncio.to_thread(site.keys.new, "mes", ["submit"])
    await asyncio.to_thread(site.keys.new, "other", ["submit"])
    submit = site.lab.engine.queue.submit

    async def revoked_meanwhile(*orders: Any, **how: Any) -> Any:
        monkeypatch.undo()
        await asyncio.to_thread(site.keys.revoke, "mes")
        return await submit(*orders, **how)

    monkeypatch.setattr(site.lab.engine.queue, "submit", revoked_meanwhile)
    client = await site.client()
    data = request(home("1"), f"Authorization: Bearer {text}")
    assert (await client.ask(data))[0] == 200, "it was let in before"
    for _ in range(3):
        assert (await client.ask(data))[0] == 401
    assert site.lab.engine.reads.robot_queue("robot_a").waiting == 1


async def test_commands__under_another_configuration_are_read_by_it(site: Site) -> None:
    client = await site.client()
    assert (await client.ask(request(home("1"))))[0] == 200
    await client.ask(request(b"", path="/reload"))
    long = request(home("y" * 150))
    assert (await client.ask(long))[0] == 200


async def test_commands__sent_before_the_answers_are_answered_in_order(site: Site) -> None:
    client = await site.client()
    await client.ask(request(home("first")))
    sent = [request(home(str(number))) for number in range(40)]
    # one by one, so that they come while the one before is written to the disk
    for data in sent:
        await client.send(data)
        await asyncio.sleep(0)
    sizes = [(await client.answer())[2]["queue_size"] for _ in sent]
    assert sizes == list(range(2, 42))
    names = [task.command.cmd_id for task in site.lab.engine.reads.robot_queue("robot_a")]
    assert names == ["first", *(str(number) for number in range(40))]


def test_connection__takes_no_name_that_aiohttp_has() -> None:
    """One that both had would stop writing where reading stops."""
    theirs = {name for one in Connection.__mro__[1:] for name in vars(one)}
    ours = {name for name in Connection.__slots__ if name.startswith("_")}
    assert ours
    assert not ours & theirs


async def test_commands__sent_at_once_let_others_have_their_turn_between_them(site: Site) -> None:
    client = await site.client()
    await client.send(request(home("first")) + request(home("second")))
    assert [(await client.answer())[0] for _ in range(2)] == [200, 200]
    (connection,) = site.connections()
    assert connection.crowded
    assert (await client.ask(request(home("alone"))))[0] == 200
    assert not connection.crowded


@pytest.mark.parametrize("packed", [False, True])
async def test_commands__that_are_larger_than_what_is_read_ahead_come_whole(
    site: Site, packed: bool
) -> None:
    """The connection is paused in the middle of each, and goes on when the body is read."""
    client = await site.client()

    def large(cmd_id: str) -> bytes:
        body = orjson.dumps(home(cmd_id)).replace(b":", b":" + b" " * 200_000)
        return request(gzip.compress(body), "Content-Encoding: gzip") if packed else request(body)

    sending = asyncio.create_task(client.send(b"".join(large(f"n{each}") for each in range(4))))
    told = [await client.answer() for _ in range(4)]
    await sending
    assert [status for status, _, _ in told] == [200] * 4, told
    found = [task.command.cmd_id for task in site.lab.engine.reads.robot_queue("robot_a")]
    assert found == ["n0", "n1", "n2", "n3"]


async def test_commands__of_a_client_that_leaves_are_kept(site: Site) -> None:
    client = await site.client()
    await client.ask(request(home("1")))
    await client.send(request(home("2")))
    await client.close()
    deadline = time.monotonic() + 10
    while site.lab.engine.reads.robot_queue("robot_a").waiting < 2:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


async def test_commands__under_way_are_answered_when_the_daemon_ends(site: Site) -> None:
    client = await site.client()
    await client.ask(request(home("1")))
    await client.send(request(home("2")))
    deadline = time.monotonic() + 10
    while site.lab.engine.reads.robot_queue("robot_a").waiting < 2:
        assert time.monotonic() < deadline
        await asyncio.sleep(0)
    ending = asyncio.create_task(site.close())
    assert (await client.answer())[2]["queue_size"] == 2
    await ending


async def test_polls__of_one_task_follow_its_life(site: Site) -> None:
    client = await site.client()
    task_id = (await client.ask(request(home("1"))))[2]["task_id"]
    poll = f"GET /task/{task_id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    found = [await client.ask(poll) for _ in range(3)]
    assert [answer["status"] for _, _, answer in found] == ["pending"] * 3
    await site.lab.post(f"/task/{task_id}/cancel")
    status, headers, answer = await client.ask(poll)
    assert (status, answer["error_code"]) == (200, "cancelled")
    alone = await site.lab.get(f"/task/{task_id}")
    assert answer == alone.body
    assert headers["Content-Type"] == alone.headers["Content-Type"]


async def test_polls__of_a_task_that_nobody_knows_are_refused(site: Site) -> None:
    client = await site.client()
    poll = b"GET /task/task_20200101_000000_abcdef HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert [(await client.ask(poll))[0] for _ in range(3)] == [404, 404, 404]


async def test_polls__for_the_head_alone_get_no_body(site: Site) -> None:
    client = await site.client()
    task_id = (await client.ask(request(home("1"))))[2]["task_id"]
    head = f"HEAD /task/{task_id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    await client.send(head + head)
    status, _, answer = await client.ask(head.replace(b"HEAD", b"GET"), empty=2)
    assert (status, answer["task_id"]) == (200, task_id)
