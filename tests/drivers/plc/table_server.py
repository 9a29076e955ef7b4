"""A server of OPC UA, and stations whose tables are that of its nodes, or nearly so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.drivers.plc.loop import Loop
from tests.drivers.plc.site import free_port

_NODES = {
    "start": ("Boolean", False, True),
    "done": ("Boolean", False, False),
    "stop": ("Boolean", False, True),
    "alarm": ("UInt16", 0, False),
    "goal": ("Int16", 0, True),
    "weight": ("Float", 0.0, False),
    "label": ("String", "", True),
    "unsigned goal": ("UInt16", 7, True),
    "double weight": ("Double", 2.5, False),
    "read-only start": ("Boolean", False, False),
    "read-only stop": ("Boolean", False, False),
    "untold start": ("Boolean", False, True),
    "alarm byte": ("Byte", 0, False),
}
"""Name -> its type, its value, and whether clients write it."""
_ROWS = {
    "start": "BOOL", "done": "BOOL", "stop": "BOOL", "alarm": "WORD", "goal": "INT",
    "weight": "REAL", "label": "STRING",
}  # fmt: skip


class TableServer:
    """Close it at the end."""

    def __init__(self) -> None:
        self.port = free_port()
        self.nodes: dict[str, Any] = {}
        self._server: Any = None
        self._loop = Loop()
        self._loop.do(self._open())

    def value(self, name: str) -> Any:
        return self._loop.do(self.nodes[name].read_value())

    def written(self, name: str, value: Any) -> None:
        """As the program of the PLC does."""
        from asyncua import ua  # noqa: PLC0415 - of an extra

        kind = ua.VariantType[_NODES[name][0]]
        self._loop.do(self.nodes[name].write_value(ua.Variant(value, kind)))

    def keeps_access_to_itself(self, name: str) -> None:
        """It answers null where it is asked who may write this node."""
        from asyncua import ua  # noqa: PLC0415 - of an extra
        from asyncua.ua.attribute_ids import AttributeIds  # noqa: PLC0415

        self._server.set_attribute_value_callback(
            self.nodes[name].nodeid,
            lambda _node, _attribute: ua.DataValue(ua.Variant(None)),
            AttributeIds.UserAccessLevel,
        )

    def close(self) -> None:
        self._loop.do(self._server.stop())
        self._loop.end()

    async def _open(self) -> None:
        from asyncua import ua  # noqa: PLC0415 - of an extra
        from asyncua.server.server import Server  # noqa: PLC0415

        self._server = Server()
        await self._server.init()
        self._server.set_endpoint(f"opc.tcp://127.0.0.1:{self.port}/plc")
        await self._server.register_namespace("urn:plc")
        for name, (kind, value, writable) in _NODES.items():
            node = await self._server.nodes.objects.add_variable(
                f"ns=2;s={name}", name, ua.Variant(value, ua.VariantType[kind])
            )
            if writable:
                await node.set_writable()
            self.nodes[name] = node
        await self._server.start()


def options_of(port: int, folder: Path, **rows: str) -> dict[str, Any]:
    """Of a station with a table in `folder`. `rows`: types or addresses that are other than
    usual."""
    table = folder / "nodes.csv"
    lines = ["name,type,address"]
    for name, kind in _ROWS.items():
        told = rows.get(name, kind)
        address = told if told.startswith("ns=") else f"ns=2;s={name}"
        lines.append(f"{name},{kind if address == told else told},{address}")
    table.write_text("\n".join(lines))
    return {
        "opcua": {"url": f"opc.tcp://127.0.0.1:{port}/plc"},
        "table": str(table),
        "commands": {
            "MOVE": {
                "pattern": "pulse",
                "start": "start",
                "done": "done",
                "params": {
                    "goal": {"type": "integer", "min": 0, "max": 100},
                    "label": {"type": "text", "default": ""},
                },
                "write": {"goal": "goal", "label": "label"},
                "result": {"weight": "weight", "label": "label"},
            },
            "LOOK": {"query": True, "result": {"label": "label", "weight": "weight"}},
        },
        "stop": {"node": "stop"},
        "alarms": [{"node": "alarm", "stands": True, "bits": {"2": "jam"}}],
        "answer_s": 5,
        "poll_s": 0.01,
    }


def station_file(folder: Path, options: Mapping[str, Any]) -> Path:
    file = folder / "station.yaml"
    robot = {"driver": "plc", "options": dict(options), "reconnect_s": 0.1}
    file.write_text(yaml.safe_dump({"robots": {"station": robot}}))
    return file
