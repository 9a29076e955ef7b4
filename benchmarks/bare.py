"""`python -m benchmarks.bare`: what an HTTP handler costs that does nothing, for comparison.

The same server, JSON library and event loop as the daemon's, and two handlers: one reads a
command and answers what a submit answers, one answers what a poll answers. Prints its port.
"""

from __future__ import annotations

import asyncio

import orjson
from aiohttp import web

from benchmarks.loop import run_loop

_ACCEPTED = {
    "success": True,
    "message": "任务已加入队列",
    "task_id": "task_20231215_143022_abc123",
    "queue_size": 1,
    "note": "使用 GET /task/<task_id> 查询任务状态",
}
_TASK = {
    "status": "completed",
    "cmd_type": "SCAN_QRCODE",
    "submit_time": "2023-12-15 14:30:22",
    "start_time": "2023-12-15 14:30:23",
    "end_time": "2023-12-15 14:33:45",
    "result": {"success": True, "message": "SCAN_QRCODE完成"},
}


async def submit(request: web.Request) -> web.Response:
    command = orjson.loads(await request.read())
    return _answer({**_ACCEPTED, "queue_size": len(command)})


async def poll(request: web.Request) -> web.Response:
    return _answer({"task_id": request.match_info["task_id"], **_TASK})


def _answer(body: dict[str, object]) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")


async def serve() -> None:
    """Serve until the process is ended."""
    app = web.Application()
    app.router.add_post("/", submit)
    app.router.add_get("/task/{task_id}", poll)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run_loop(serve())
