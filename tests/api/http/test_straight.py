"""A path of its own, or with a name at its end, is found without aiohttp's router,
and answered as the router would have it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from robotq.api.access.keys import KeyFile
from tests.api.kept_connection import Client
from tests.api.lab import Lab
from tests.api.served import serve
from tests.slices import each

_ASKED = [
    ("GET", "/health"),
    ("GET", "/health?x=1"),
    ("HEAD", "/health"),
    ("GET", "/he%61lth"),
    ("GET", "/queue%2Fstatus"),
    ("GET", "/queue/status"),
    ("GET", "/queue/status/"),
    ("GET", "//queue/status"),
    ("GET", "/queue//status"),
    ("GET", "/queue/./status"),
    ("get", "/health"),
    ("PUT", "/"),
    ("OPTIONS", "/"),
    ("OPTIONS", "/queue/status"),
    ("HEAD", "/queue/pause"),
    ("GET", "/task/task_that_is_not_there"),
    ("HEAD", "/task/task_that_is_not_there"),
    ("GET", "/task/"),
    ("GET", "/task"),
    ("GET", "/task/%61b"),
    ("GET", "/task/a%2Fb"),
    ("GET", "/task/a%25b"),
    ("GET", "/task/a/b"),
    ("GET", "//task/a"),
    ("GET", "/task/a{b}"),
    ("GET", "/task/%E5%90%8D"),
    ("POST", "/task/a"),
    ("GET", "/robots/robot_a"),
    ("GET", "/robots/robot%20a"),
    ("GET", "/robots/summary?x=/robots/a"),
    ("GET", "/apis/checklist/health"),
]


@each(("method", "path"), _ASKED)
async def test_straight__answers_as_the_router_does(
    lab: Lab, tmp_path: Path, method: str, path: str
) -> None:
    served, port = await serve(lab, await asyncio.to_thread(KeyFile, tmp_path))
    client = await Client.of(port)
    by_router = await Client.of(lab.client.port or 0)
    heads = []
    for one in (client, by_router):
        await one.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await one.head()
        names = sorted(line.partition(":")[0] for line in head[1:])
        # a refusal names what was asked for; other answers tell the time, too
        named = [line for line in head if line.startswith("Content-Length") and " 404" in head[0]]
        heads.append((head[0], names, named))
        await one.close()
    await served.close()
    assert heads[0] == heads[1]


async def test_straight__a_client_that_asks_first_is_told_to_go_on(
    lab: Lab, tmp_path: Path
) -> None:
    served, port = await serve(lab, await asyncio.to_thread(KeyFile, tmp_path))
    client = await Client.of(port)
    await client.send(
        b"POST /queue/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )
    assert (await client.head())[0] == "HTTP/1.1 100 Continue"
    await client.send(b"{}")
    assert (await client.answer())[0] == 200
    await client.close()
    await served.close()
