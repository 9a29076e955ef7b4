"""The bridge itself: protocol 2 of rosbridge as rosbridge_suite 2.0 speaks it.

Its habits are kept, also those that nobody would wish for: the messages of one client are handled
one after another, so that a goal holds up what comes behind it on the same socket, unless
`goals_in_threads` (its parameter send_action_goals_in_new_thread); nobody is told of a message
that is not understood; a client that goes away leaves its goal running; a call that is not
answered holds up its socket for ever.
"""

from __future__ import annotations

import asyncio
import fnmatch
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

from aiohttp import WSMsgType, web

from robotq.model.json import JsonObject
from robotq.testing.rosbridge.graph import Graph, NotThere


class BridgeServer:
    """A bridge on a free port of loopback, on a thread of its own. Use it as a context manager."""

    def __init__(
        self,
        graph: Graph,
        *,
        goals_in_threads: bool = False,
        services_glob: Sequence[str] = (),
        port: int = 0,
    ) -> None:
        self._graph = graph
        self._goals_in_threads = goals_in_threads
        self._services_glob = tuple(services_glob)
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="bridge", daemon=True)
        self._runner: web.AppRunner | None = None
        self._clients: set[asyncio.BaseTransport] = set()
        self._background: set[asyncio.Task[Any]] = set()
        self.heard: list[JsonObject] = []
        """Every message of every client."""
        self.deaf = False
        """It takes messages, and does nothing with them."""
        self.away = False
        """It takes no connections."""

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}"

    def start(self) -> Self:
        self._thread.start()
        self._started.wait(10)
        return self

    def stop(self) -> None:
        """Everybody is disconnected, and what the graph still did ends: it lives on this thread."""
        if self._loop.is_running():
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def disconnect(self) -> None:
        """Cut the connection of every client; it can be made anew, unless it is `away`."""
        self.on_loop(self._disconnect)

    def on_loop(self, work: Callable[[], Any]) -> Any:
        """Do something to the graph, and return what comes of it."""

        async def done() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- on the loop ---------------------------------------------------------------------------

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._started.set()
        self._loop.run_forever()
        self._loop.close()

    async def _listen(self) -> None:
        app = web.Application()
        app.router.add_get("/", self._client)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def _end(self) -> None:
        self._disconnect()
        if self._runner is not None:
            await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _disconnect(self) -> None:
        for client in list(self._clients):
            assert isinstance(client, asyncio.Transport)
            client.abort()

    async def _client(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        if self.away or transport is None:
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._clients.add(transport)
        waiting: asyncio.Queue[str] = asyncio.Queue(maxsize=1_000)
        session = _Session(self, socket)
        handling = asyncio.create_task(self._handle(session, waiting))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await waiting.put(message.data)
        finally:
            self._clients.discard(transport)
            session.leave()
            # what it has begun goes on: nobody tells the action server that its client has gone
            self._keep(handling)
            waiting.put_nowait("")
        return socket

    async def _handle(self, session: _Session, waiting: asyncio.Queue[str]) -> None:
        while text := await waiting.get():
            try:
                message = json.loads(text)
            except ValueError:
                continue
            self.heard.append(message)
            if not self.deaf:
                await self._operation(session, message)

    async def _operation(self, session: _Session, message: JsonObject) -> None:
        match message.get("op"):
            case "send_action_goal":
                work = session.send_goal(self._graph, message)
                if self._goals_in_threads:
                    self._keep(asyncio.create_task(work))
                else:
                    await work
            case "call_service":
                glob = self._services_glob
                name = str(message.get("service"))
                if not glob or any(fnmatch.fnmatch(name, each) for each in glob):
                    await session.call(self._graph, message)
            case "subscribe":
                session.subscribe(self._graph, message)
            case "unsubscribe":
                session.unsubscribe(message)
            case "publish":
                self._graph.publish(str(message.get("topic")), message.get("msg") or {})
            case _:
                return

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._background.add(task)
        task.add_done_callback(self._background.discard)


class _Session:
    """One client, for as long as something that it has begun goes on."""

    def __init__(self, server: BridgeServer, socket: web.WebSocketResponse) -> None:
        self._server = server
        self._socket = socket
        self._subscribed: dict[str, list[Callable[[], None]]] = {}
        self._sending: asyncio.Queue[JsonObject] = asyncio.Queue(maxsize=10_000)
        self._sender = asyncio.create_task(self._send_all())

    def leave(self) -> None:
        for ends in self._subscribed.values():
            for end in ends:
                end()
        self._subscribed.clear()
        self._sender.cancel()

    async def send_goal(self, graph: Graph, message: JsonObject) -> None:
        id_, action = message.get("id"), str(message.get("action"))

        def feedback(values: JsonObject) -> None:
            self._send({"op": "action_feedback", "action": action, "values": values, "id": id_})

        heard = feedback if message.get("feedback") else None
        told: JsonObject
        try:
            status, result = await graph.send_goal(
                action, str(message.get("action_type")), message.get("args", []), heard
            )
            told = {"values": result, "status": status, "result": True}
        except NotThere as error:
            told = {"values": str(error), "status": 0, "result": False}
        self._send({"op": "action_result", "action": action, **told, "id": id_})

    async def call(self, graph: Graph, message: JsonObject) -> None:
        service = str(message.get("service"))
        told: JsonObject
        try:
            told = {"values": await graph.call(service, message.get("args", [])), "result": True}
        except NotThere as error:
            told = {"values": str(error), "result": False}
        self._send({"op": "service_response", "service": service, **told, "id": message.get("id")})

    def subscribe(self, graph: Graph, message: JsonObject) -> None:
        topic = str(message.get("topic"))

        def heard(values: JsonObject) -> None:
            self._send({"op": "publish", "topic": topic, "msg": values})

        try:
            end = graph.subscribe(topic, message.get("type"), heard)
        except NotThere:
            return
        self._subscribed.setdefault(topic, []).append(end)

    def unsubscribe(self, message: JsonObject) -> None:
        for end in self._subscribed.pop(str(message.get("topic")), []):
            end()

    def _send(self, message: JsonObject) -> None:
        if not self._socket.closed and not self._sending.full():
            self._sending.put_nowait(message)

    async def _send_all(self) -> None:
        while True:
            message = await self._sending.get()
            if self._socket.closed:
                return
            try:
                await self._socket.send_str(json.dumps(message))
            except ConnectionError:
                return
