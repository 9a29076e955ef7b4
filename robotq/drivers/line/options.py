"""The `options` of a robot with `driver: line`: the keys of its port, and either a device file
with `device`, or the keys of `robotq.config.line_device`, or both; what stands at the robot goes
before what stands in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robotq.config import packaged
from robotq.config.keys import suggestion
from robotq.config.line_device import KEYS, LineDevice, read_device
from robotq.config.strict_yaml import Document, KeyPath, key_text, read
from robotq.drivers.line.reading import DeviceReader
from robotq.drivers.line.ready import LineProgram, ReadyDevice
from robotq.drivers.mapped.commands import MappedOptions, Written
from robotq.drivers.reading import Section
from robotq.drivers.transport import PortOptions, read_port_options
from robotq.model.errors import ConfigError

_PORT = (
    "port", "usb", "replay", "identity", "baud", "data_bits", "parity", "stop_bits", "flow",
    "dtr", "rts", "record",
)  # fmt: skip
_MERGED = ("values", "types", "limits", "commands", "link")
"""Keys whose entries are replaced one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOptions(MappedOptions[LineProgram]):
    does = "a line device does what its own file says"

    port: PortOptions
    ready: ReadyDevice

    @property
    def programs(self) -> Mapping[str, LineProgram]:
        return self.ready.programs

    @property
    def written(self) -> Mapping[str, Written]:
        return self.ready.device.commands

    def reads(self, program: LineProgram) -> bool:
        return program.reads


def ready_files() -> Mapping[str, Path]:
    """The devices that come with robotq, by name."""
    return {path.stem: path for path in sorted(packaged("devices").glob("*.yaml"))}


def read_options(robot: str, options: Mapping[str, Any]) -> LineOptions:
    """Raises ConfigError with one line for each fault."""
    where = f"robots.{robot}.options"
    written = {key: value for key, value in options.items() if key in KEYS}
    file = _file(options.get("device"), where)
    for key in options:
        if key not in (*_PORT, *KEYS, "device"):
            known = suggestion(str(key), ("device", *_PORT, *KEYS))
            raise ConfigError(f"{where}: {key}: unknown key{known}")
    merged = _merged({} if file is None else file.value, written)

    def line(at: KeyPath, text: str) -> str:
        own = at[:2] if at[:1] and at[0] in _MERGED else at[:1]
        mine = _holds(written, own) or file is None or not _holds(file.value, own[:1])
        place = where if mine or file is None else file.where(at)
        return f"{place}: {key_text(at)}: {text}" if at else f"{place}: {text}"

    device = read_device(merged)
    if not isinstance(device, LineDevice):
        raise ConfigError("\n".join(line(at, text) for at, text in device))
    reader = DeviceReader(device)
    ready = reader.read()
    if ready is None:
        raise ConfigError("\n".join(line(at, text) for at, text in reader.faults))
    link = {**device.link, **{key: value for key, value in options.items() if key in _PORT}}
    section = Section(link, lambda _: where)
    port = read_port_options(section, baud=9_600, tells_identity=True)
    section.end()
    if port.identity is not None and ready.who is None:
        raise ConfigError(f"{where}: identity: expected a question `who` that asks for it")
    return LineOptions(port=port, ready=ready)


def _file(device: object, where: str) -> Document | None:
    if device is None:
        return None
    files = ready_files()
    if not isinstance(device, str):
        raise ConfigError(f"{where}: device: found {device!r}, expected a name or a file")
    if device in files:
        path = files[device]
    elif "/" in device or device.endswith((".yaml", ".yml")):
        path = Path(device)
    else:
        raise ConfigError(f"{where}: device: found {device!r}{suggestion(device, files)}")
    document = read(path)
    if not isinstance(document.value, Mapping):
        raise ConfigError(f"{path}: expected the keys of a device, such as commands")
    return document


def _merged(file: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    whole = {**file, **own}
    for key in _MERGED:
        below, above = file.get(key), own.get(key)
        if isinstance(below, Mapping) and isinstance(above, Mapping):
            both = {**below, **above}
            whole[key] = {name: value for name, value in both.items() if value is not None}
    return whole


def _holds(tree: Mapping[str, Any], path: KeyPath) -> bool:
    here: Any = tree
    for key in path:
        if not isinstance(here, Mapping) or key not in here:
            return False
        here = here[key]
    return True
