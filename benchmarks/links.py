"""Robots behind a bridge of ROS or a PLC, each in a process of its own, that note when a stop has
come: the servers are those that others have written, and the bridge that of the tests."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import multiprocessing
import os
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from typing import Any

from robotq.model.json import JsonObject
from robotq.testing.rosbridge import BridgeServer, SimulatedAction, SimulatedGraph

_SPAWN = multiprocessing.get_context("spawn")
_START_S = 60.0
_SCAN_S = 0.001
_NAMES = ("start", "done", "stop", "stopped", "other")
_NOBODY = [255] * 16
"""A goal that nobody has: a cancel of it gets to the server, and ends nothing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the robot has noted, by `time.perf_counter`, which all processes share."""

    port: Synchronized[int]
    stopped_at: Synchronized[float]
    """When a stop came; to be set to 0 before."""
    bare_at: Synchronized[float]
    """When something came that moves nothing, on the same way."""
    moving: Synchronized[int]


@dataclass(frozen=True, slots=True)
class Link:
    seen: Seen
    options: JsonObject
    driver: str
    bare: Callable[[], None]
    """Send the same as a stop on a connection of one's own, with nothing around it."""


@contextmanager
def robot(kind: str) -> Iterator[Link]:
    """`kind`: of `KINDS`."""
    seen = Seen(
        _SPAWN.Value("i", 0), _SPAWN.Value("d", 0), _SPAWN.Value("d", 0), _SPAWN.Value("i", 0)
    )
    ready, stop = _SPAWN.Event(), _SPAWN.Event()
    process = _SPAWN.Process(target=_be, args=(kind, seen, ready, stop), daemon=True)
    process.start()
    try:
        if not ready.wait(_START_S):
            raise RuntimeError(f"{kind}: the robot has not started")
        with contextlib.ExitStack() as stack:
            yield KINDS[kind](kind, seen, stack)
    finally:
        stop.set()
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()


def _be(kind: str, seen: Seen, ready: Event, stop: Event) -> None:
    if kind.startswith("rosbridge"):
        _be_bridge(seen, ready, stop, in_threads=kind.endswith("threads"))
    else:
        work = _modbus if kind == "modbus" else _opcua
        asyncio.run(work(seen, ready, stop))


# -- ROS -----------------------------------------------------------------------------------------


class _TimedAction(SimulatedAction):
    seen: Seen

    def cancel(self, request: JsonObject) -> JsonObject:
        now = time.perf_counter()
        goal = list(request["goal_info"]["goal_id"]["uuid"])
        if goal == _NOBODY:
            self.seen.bare_at.value = self.seen.bare_at.value or now
        else:
            self.seen.stopped_at.value = self.seen.stopped_at.value or now
        return super().cancel(request)

    def _tell(self) -> None:
        self.seen.moving.value = int(self.moving())
        super()._tell()


def _be_bridge(seen: Seen, ready: Event, stop: Event, *, in_threads: bool) -> None:
    graph = SimulatedGraph()
    action = _TimedAction(graph, "/move", "robot_msgs/action/Move")
    action.seen = seen
    graph.actions["/move"] = action
    with BridgeServer(graph, goals_in_threads=in_threads) as bridge:
        seen.port.value = int(bridge.url.rpartition(":")[2])
        ready.set()
        stop.wait()
        # what still moves would be cut off in the middle
        bridge.on_loop(action.forget)


def _rosbridge(_: str, seen: Seen, stack: contextlib.ExitStack) -> Link:
    goal = {"steps": 1_000_000, "step_s": 0.05}
    move = {"action": "/move", "type": "robot_msgs/action/Move", "goal": goal}
    url = f"ws://127.0.0.1:{seen.port.value}"
    one = stack.enter_context(contextlib.closing(_websocket(seen.port.value)))
    request = {"goal_info": {"goal_id": {"uuid": _NOBODY}, "stamp": {"sec": 0, "nanosec": 0}}}
    message = {
        "op": "call_service",
        "id": "bare",
        "service": "/move/_action/cancel_goal",
        "type": "action_msgs/srv/CancelGoal",
        "args": request,
    }
    frame = _frame(json.dumps(message).encode())

    def bare() -> None:
        one.sendall(frame)
        one.recv(65_536)

    return Link(seen, {"url": url, "commands": {"MOVE": move}}, "rosbridge", bare)


def _websocket(port: int) -> socket.socket:
    one = socket.create_connection(("127.0.0.1", port), timeout=10)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(os.urandom(16)).decode()
    one.sendall(
        f"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    one.recv(65_536)
    return one


def _frame(payload: bytes) -> bytes:
    """A masked message; the mask is zero."""
    return b"\x81" + struct.pack(">BH", 0x80 | 126, len(payload)) + bytes(4) + payload


# -- PLCs ----------------------------------------------------------------------------------------


async def _program(
    seen: Seen,
    get: Callable[[str], Awaitable[Any]],
    put: Callable[[str, bool], Awaitable[None]],
    stop: Event,
) -> None:
    """It moves from start to stop, and is never done."""
    was: Mapping[str, bool] = dict.fromkeys(_NAMES, False)
    while not stop.is_set():
        await asyncio.sleep(_SCAN_S)
        now = {name: bool(await get(name)) for name in ("start", "stop", "other")}
        if now["stop"] and not was["stop"]:
            seen.stopped_at.value = seen.stopped_at.value or time.perf_counter()
            seen.moving.value = 0
            await put("stopped", True)
        if was["stop"] and not now["stop"]:
            await put("stopped", False)
        if now["other"] != was["other"]:
            seen.bare_at.value = seen.bare_at.value or time.perf_counter()
        if now["start"] and not was["start"] and not now["stop"]:
            seen.moving.value = 1
        was = now


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _station(addresses: Mapping[str, str], link: JsonObject) -> JsonObject:
    nodes = [{"name": name, "type": "bool", "address": at} for name, at in addresses.items()]
    return {
        **link,
        "nodes": nodes,
        "commands": {"MOVE": {"pattern": "pulse", "start": "start", "done": "done"}},
        "stop": {"node": "stop", "stopped": "stopped"},
    }


async def _modbus(seen: Seen, ready: Event, stop: Event) -> None:
    from pymodbus.server import ModbusTcpServer  # noqa: PLC0415 - of an extra
    from pymodbus.simulator import DataType, SimData, SimDevice  # noqa: PLC0415 - of an extra

    bits = [SimData(0, count=160, values=False, datatype=DataType.BITS)]
    words = [SimData(0, count=10, values=0, datatype=DataType.REGISTERS)]
    seen.port.value = _free_port()
    server: Any = ModbusTcpServer(
        SimDevice(1, simdata=(bits, bits, words, words)), address=("127.0.0.1", seen.port.value)
    )
    await server.serve_forever(background=True)

    async def get(name: str) -> Any:
        return (await server.async_getValues(1, 1, _NAMES.index(name), 1))[0]

    async def put(name: str, value: bool) -> None:
        await server.async_setValues(1, 15, _NAMES.index(name), [value])

    ready.set()
    await _program(seen, get, put, stop)
    await server.shutdown()


def _to_modbus(_: str, seen: Seen, stack: contextlib.ExitStack) -> Link:
    from pymodbus.client import ModbusTcpClient  # noqa: PLC0415 - of an extra

    client: Any = ModbusTcpClient("127.0.0.1", port=seen.port.value, timeout=10, retries=0)
    client.connect()
    stack.callback(client.close)
    high = False

    def bare() -> None:
        nonlocal high
        high = not high
        client.write_coil(_NAMES.index("other"), high, device_id=1)

    link = {"modbus": {"host": "127.0.0.1", "port": seen.port.value}}
    addresses = {name: f"coil:{at}" for at, name in enumerate(_NAMES)}
    return Link(seen, _station(addresses, link), "plc", bare)


async def _opcua(seen: Seen, ready: Event, stop: Event) -> None:
    from asyncua import ua  # noqa: PLC0415 - of an extra
    from asyncua.server.server import Server  # noqa: PLC0415 - of an extra

    seen.port.value = _free_port()
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{seen.port.value}/plc")
    await server.register_namespace("urn:plc")
    nodes = {}
    for name in _NAMES:
        low = ua.Variant(False, ua.VariantType.Boolean)
        nodes[name] = await server.nodes.objects.add_variable(f"ns=2;s={name}", name, low)
        await nodes[name].set_writable()

    async def put(name: str, value: bool) -> None:
        await nodes[name].write_value(ua.Variant(value, ua.VariantType.Boolean))

    async with server:
        ready.set()
        await _program(seen, lambda name: nodes[name].read_value(), put, stop)


def _to_opcua(_: str, seen: Seen, stack: contextlib.ExitStack) -> Link:
    from asyncua import ua  # noqa: PLC0415 - of an extra
    from asyncua.sync import Client  # noqa: PLC0415 - of an extra

    url = f"opc.tcp://127.0.0.1:{seen.port.value}/plc"
    client = stack.enter_context(Client(url))
    node = client.get_node("ns=2;s=other")
    high = False

    def bare() -> None:
        nonlocal high
        high = not high
        node.write_value(ua.DataValue(ua.Variant(high, ua.VariantType.Boolean)))

    addresses = {name: f"ns=2;s={name}" for name in _NAMES}
    return Link(seen, _station(addresses, {"opcua": {"url": url}}), "plc", bare)


KINDS: Mapping[str, Callable[[str, Seen, contextlib.ExitStack], Link]] = {
    "rosbridge_one_by_one": _rosbridge,
    "rosbridge_in_threads": _rosbridge,
    "opcua": _to_opcua,
    "modbus": _to_modbus,
}
