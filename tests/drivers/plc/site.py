"""A PLC behind a server that others have written, and the driver that talks to it."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from robotq.drivers import plc as plc_driver
from robotq.drivers.base import Driver
from robotq.testing.driver_contract import driver_setup
from tests.drivers.cable import Cable
from tests.drivers.plc.loop import Loop
from tests.drivers.plc.model import FAILED, OK, STOPPED, Kind, ModelPlc
from tests.drivers.serial_cable import SerialCable

SCAN_S = 0.005
NAMES = {
    "start": "启动", "accepted": "已接收", "done": "完成", "goal": "目标位置", "weight": "重量",
    "outcome": "结果", "stop": "停止", "stopped": "已停止", "alarm": "报警字", "boot": "启动次数",
    "heartbeat": "心跳", "watchdog": "上位机在线",
}  # fmt: skip
INPUTS = ("start", "goal", "stop", "watchdog")


def types(kind: Kind) -> Mapping[str, str]:
    bit = "uint16" if kind == "numbered" else "bool"
    return {
        "start": bit, "accepted": bit, "done": bit, "goal": "int16", "weight": "float32",
        "outcome": "uint16", "stop": "bool", "stopped": "bool", "alarm": "uint16", "boot": "uint32",
        "heartbeat": "uint16", "watchdog": "bool",
    }  # fmt: skip


class AnyCable(Protocol):
    out: bool
    mute: bool
    kept: bool

    def as_new(self) -> None: ...

    def pull(self) -> None: ...

    def plug(self) -> None: ...

    def keep(self, when: Any = None) -> None: ...

    def let_through(self) -> None: ...

    def close(self) -> None: ...


class Server(Protocol):
    """What carries the nodes; its methods run on its own loop."""

    def cable(self) -> AnyCable:
        """The way to it."""

    def options(self, cable: Any) -> Mapping[str, Any]:
        """Of a driver that reaches it over this one."""

    def address(self, name: str, kind: str) -> str: ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def get(self, name: str) -> Any: ...

    async def put(self, name: str, value: Any) -> None: ...


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ModbusServer:
    def __init__(
        self,
        kind: Kind,
        table: Mapping[str, str] | None = None,
        places: Mapping[str, int] | None = None,
    ) -> None:
        """`table`: name -> type, of another table than that of `kind`; `places`: where they are."""
        self._types = table or types(kind)
        self._at = places or {name: 10 * index for index, name in enumerate(self._types)}
        self.port = free_port()
        self._server: Any = None

    def cable(self) -> AnyCable:
        return Cable(self.port)

    def options(self, cable: Any) -> Mapping[str, Any]:
        return {"modbus": {"host": "127.0.0.1", "port": cable.port}}

    def address(self, name: str, kind: str) -> str:
        return f"{'coil' if kind == 'bool' else 'holding'}:{self._at[name]}"

    async def open(self) -> None:
        from pymodbus.server import ModbusTcpServer  # noqa: PLC0415 - of an extra

        self._server = ModbusTcpServer(self._device(), address=("127.0.0.1", self.port))
        await self._server.serve_forever(background=True)

    def _device(self) -> Any:
        from pymodbus.simulator import DataType, SimData, SimDevice  # noqa: PLC0415 - of an extra

        def block(kind: DataType) -> list[SimData]:
            return [SimData(0, count=200, values=0, datatype=kind)]

        bits, words = DataType.BITS, DataType.REGISTERS
        data = ([SimData(0, count=200, values=False, datatype=bits)],) * 2
        return SimDevice(1, simdata=(*data, block(words), block(words)))

    async def close(self) -> None:
        await self._server.shutdown()
        # who connected in that very moment is let in, and the library forgets him
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for connection in tuple(self._server.active_connections.values()):
            connection.close()

    async def get(self, name: str) -> Any:
        kind, at = self._types[name], self._at[name]
        if kind == "bool":
            return bool((await self._server.async_getValues(1, 1, at, 1))[0])
        word = (await self._server.async_getValues(1, 3, at, 1))[0]
        return word - 2**16 if kind == "int16" and word >= 2**15 else word

    async def put(self, name: str, value: Any) -> None:
        kind, at = self._types[name], self._at[name]
        if kind == "bool":
            await self._server.async_setValues(1, 15, at, [bool(value)])
        elif kind == "float32":
            high, low = struct.unpack(">HH", struct.pack(">f", value))
            await self._server.async_setValues(1, 16, at, [low, high])
        elif kind == "uint32":
            await self._server.async_setValues(1, 16, at, [value % 2**16, value // 2**16])
        else:
            await self._server.async_setValues(1, 16, at, [int(value) % 2**16])


class RtuServer(ModbusServer):
    """At the far end of a serial line."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self._cable = SerialCable()

    def cable(self) -> AnyCable:
        return self._cable

    def options(self, cable: Any) -> Mapping[str, Any]:
        return {"modbus_rtu": {"port": cable.path, "baud": 115_200}}

    async def open(self) -> None:
        from pymodbus.server import ModbusSerialServer  # noqa: PLC0415 - of an extra

        self._server = ModbusSerialServer(self._device(), port=self._cable.far, baudrate=115_200)
        await self._server.serve_forever(background=True)


class S7Server:
    """The server that python-snap7 brings. It writes a whole byte for a bit, so that each has a
    byte of its own here."""

    BLOCK = 7

    def __init__(self, kind: Kind) -> None:
        self._types = types(kind)
        self._at = {name: 10 * index for index, name in enumerate(self._types)}
        self.port = free_port()
        self._data = bytearray(200)
        self._server: Any = None

    def cable(self) -> AnyCable:
        return Cable(self.port)

    def options(self, cable: Any) -> Mapping[str, Any]:
        return {"s7": {"host": "127.0.0.1", "port": cable.port}}

    def address(self, name: str, kind: str) -> str:
        size = {"bool": "X", "int16": "W", "uint16": "W"}.get(kind, "D")
        return f"DB{self.BLOCK}.DB{size}{self._at[name]}{'.0' if size == 'X' else ''}"

    async def open(self) -> None:
        from snap7.server import Server as SnapServer  # noqa: PLC0415 - of an extra
        from snap7.type import SrvArea  # noqa: PLC0415 - of an extra

        self._server = SnapServer(log=False)
        self._server.register_area(SrvArea.DB, self.BLOCK, self._data)
        self._server.start_to("127.0.0.1", self.port)

    async def close(self) -> None:
        await asyncio.to_thread(self._server.stop)

    async def get(self, name: str) -> Any:
        at, form = self._place(name)
        return struct.unpack_from(form, self._data, at)[0]

    async def put(self, name: str, value: Any) -> None:
        at, form = self._place(name)
        if form == ">f":
            # the words of a number in the order of the table, CDAB
            high, low = struct.unpack(">HH", struct.pack(">f", value))
            struct.pack_into(">HH", self._data, at, low, high)
        elif form == ">I":
            struct.pack_into(">HH", self._data, at, value % 2**16, value // 2**16)
        else:
            struct.pack_into(form, self._data, at, value)

    def _place(self, name: str) -> tuple[int, str]:
        forms = {"bool": ">?", "int16": ">h", "uint16": ">H", "uint32": ">I", "float32": ">f"}
        return self._at[name], forms[self._types[name]]


class OpcUaServer:
    def __init__(
        self,
        kind: Kind,
        table: Mapping[str, str] | None = None,
        shown: Mapping[str, str] | None = None,
    ) -> None:
        """`table`: as for Modbus; `shown`: the names that they have in the PLC."""
        self._types = table or types(kind)
        self._shown = shown or NAMES
        self.port = free_port()
        self._server: Any = None
        self._nodes: dict[str, Any] = {}

    def cable(self) -> AnyCable:
        return Cable(self.port)

    def options(self, cable: Any) -> Mapping[str, Any]:
        return {"opcua": {"url": f"opc.tcp://127.0.0.1:{cable.port}/plc"}}

    def address(self, name: str, kind: str) -> str:
        return f"ns=2;s={NAMES[name]}"

    async def open(self) -> None:
        from asyncua.server.server import Server as UaServer  # noqa: PLC0415 - of an extra

        self._server = UaServer()
        await self._server.init()
        self._server.set_endpoint(f"opc.tcp://127.0.0.1:{self.port}/plc")
        await self._server.register_namespace("urn:plc")
        for name in self._types:
            node = await self._server.nodes.objects.add_variable(
                f"ns=2;s={self._shown[name]}", self._shown[name], self._variant(name, 0)
            )
            await node.set_writable()
            self._nodes[name] = node
        await self._server.start()

    async def close(self) -> None:
        await self._server.stop()

    async def get(self, name: str) -> Any:
        return await self._nodes[name].read_value()

    async def put(self, name: str, value: Any) -> None:
        await self._nodes[name].write_value(self._variant(name, value))

    def _variant(self, name: str, value: Any) -> Any:
        from asyncua import ua  # noqa: PLC0415 - of an extra

        kinds = {
            "bool": ua.VariantType.Boolean,
            "int16": ua.VariantType.Int16,
            "uint16": ua.VariantType.UInt16,
            "uint32": ua.VariantType.UInt32,
            "float32": ua.VariantType.Float,
        }
        kind = self._types[name]
        made = {"bool": bool, "float32": float}.get(kind, int)(value)
        return ua.Variant(made, kinds[kind])


SERVERS: Mapping[str, Callable[[Kind], Server]] = {
    "modbus": ModbusServer,
    "rtu": RtuServer,
    "s7": S7Server,
    "opcua": OpcUaServer,
}
LIBRARIES = {"modbus": "pymodbus", "rtu": "pymodbus", "s7": "snap7", "opcua": "asyncua"}


class Site:
    """Close it at the end."""

    def __init__(
        self,
        tmp_path: Path,
        kind: Kind,
        server: Server,
        rows: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        """`rows`: name -> type, of another table than that of `kind`."""
        self.plc = ModelPlc(kind, move_s=0.05, goal_s=0.05, accept_after_s=0.01)
        self.heard: list[tuple[str, Any]] = []
        """What was written to it, as far as a scan sees it."""
        self.halted = False
        """Its program does not run; the server answers all the same."""
        self._server = server
        self._tmp_path = tmp_path
        self._up = False
        self._ended = False
        self._turn = asyncio.Lock()
        """A scan is never cut in two."""
        self._loop = Loop()
        self.open()
        # later: it takes any port that is free
        self.cable = server.cable()
        self._scans = self._loop.begin(self._scan())
        table = tmp_path / "点表.csv"
        lines = [
            f"{NAMES[name]},{name},{type_},{server.address(name, type_)},CDAB"
            for name, type_ in (rows or types(kind)).items()
        ]
        table.write_text("\n".join(["name,alias,type,address,words", *lines]), encoding="gb18030")
        numbered = kind == "numbered"
        move = {
            "pattern": kind,
            "start": "启动",
            "done": "完成",
            **({} if kind == "pulse" else {"accepted": "已接收"}),
            **(
                {"outcome": {"node": "结果", "ok": [OK], "stopped": [STOPPED],
                             "texts": {str(FAILED): "jam"}}} if numbered else {}
            ),
            "params": {"goal": {"type": "integer", "min": 0, "max": 2_000}},
            "write": {"目标位置": "goal"},
            "result": {"weight": "重量"},
        }  # fmt: skip
        self.options = {
            **server.options(self.cable),
            "table": str(table),
            "commands": {"MOVE": move, "WEIGH": {"query": True, "result": {"weight": "weight"}}},
            "stop": {"node": "停止", "stopped": "已停止"},
            "boot": "启动次数",
            "alarms": [{"node": "报警字", "bits": {"2": "夹爪故障"}, "stands": True}],
            "poll_s": 0.01,
            "answer_s": 1,
            **options,
        }
        setup, self.links = driver_setup(tmp_path, self.options)
        self.driver: Driver = plc_driver.create(setup)
        self.drivers = [self.driver]

    def again(self) -> Driver:
        """Another driver for the same PLC, as after a start."""
        self.drivers.append(plc_driver.create(driver_setup(self._tmp_path, self.options)[0]))
        return self.drivers[-1]

    def open(self) -> None:
        async def opened() -> None:
            await self._server.open()
            for name, value in self.plc.told().items():
                await self._server.put(name, value)
            self._up = True

        self._loop.do(opened())

    def shut(self) -> None:
        self._up = False
        self._loop.do(self._server.close())

    def put(self, name: str, value: Any) -> None:
        """As another master of the PLC does."""

        async def written() -> None:
            async with self._turn:
                await self._server.put(name, value)
                self.plc.nodes[name] = value

        self._loop.do(written())

    def as_new(self) -> None:
        """For the next test: the server takes seconds to start on a busy machine."""
        for driver in self.drivers:
            # nobody else opens a serial line meanwhile
            driver.close()
        self.cable.as_new()
        self.plc.done_stuck = self.plc.machine_fails = self.plc.tells_no_bad_end = False
        self.restart(self.plc.boot + 1)
        self.plc.jobs.clear()
        self.heard.clear()

    def restart(self, boot: int) -> None:
        """Its power fails for a moment."""

        async def restarted() -> None:
            async with self._turn:
                self.plc.restart(boot)
                for name, value in self.plc.told().items():
                    await self._server.put(name, value)

        self._loop.do(restarted())

    def close(self) -> None:
        for driver in self.drivers:
            driver.close()
        self.cable.close()
        self._ended = True
        self._scans.result(5)
        if self._up:
            self.shut()
        self._loop.end()

    async def _scan(self) -> None:
        last = time.monotonic()
        while not self._ended:
            await asyncio.sleep(SCAN_S)
            passed, last = time.monotonic() - last, time.monotonic()
            async with self._turn:
                if not self.halted:
                    await self._one_scan(passed)

    async def _one_scan(self, passed_s: float) -> None:
        if self._up:
            for name in INPUTS:
                value = await self._server.get(name)
                if value != self.plc.nodes[name]:
                    self.heard.append((name, value))
                self.plc.nodes[name] = value
        self.plc.scan(passed_s)
        if self._up:
            # what belongs to done is there before it
            for name in sorted(self.plc.nodes.keys() - set(INPUTS), key="done".__eq__):
                await self._server.put(name, self.plc.nodes[name])
