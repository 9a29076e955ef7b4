"""File, environment and flags put together, checked, and every fault told at once."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from robotq.config import documented, keys, strict_yaml
from robotq.config.robots import StandbyConfig
from robotq.config.schema import WORKER_QUEUES, Config, DispatcherConfig
from robotq.config.strict_yaml import Document, KeyPath, key_text
from robotq.model.errors import ConfigError

_ADAPTER = TypeAdapter(Config)

_EXPECTED = {
    "dataclass_type": "a section with keys of its own",
    "dict_type": "a mapping of names",
    "string_pattern_mismatch": "a name of 1 to 64 of a-z, 0-9, _ and -",
    "string_type": "a text",
    "list_type": "a list",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "ip_any_network": "a network such as 192.168.0.0/16",
    "value_error": "a network such as 192.168.0.0/16",
}
"""Type of a pydantic error -> what was expected, where its own words are not a person's."""

_FLAGS = {"trusted_networks": "--trusted-network"}
"""Keys whose flag of `serve` is not simply the key."""

_SHOWN = 80
"""Characters of a wrong value that a message repeats."""


def packaged(name: str) -> Path:
    """A file of the defaults that come with robotq."""
    return Path(str(files("robotq"))) / "data" / name


def load_config(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any]
) -> Config:
    """The configuration: `overrides` over `environ` over the file over the defaults.

    `path` None reads the packaged file. `environ` sets a key by ROBOTQ_ and its path in upper
    case, joined by two underscores; some have a documented name besides, over which it wins.
    `overrides` by its path joined by dots, where None means
    not given. Relative paths in the file are relative to the file, except `data`; all others
    to the current folder.

    Raises ConfigError with one line per fault: file and line, variable or flag; key; what was
    found and what was expected.
    """
    lab = strict_yaml.read(packaged("robotq.yaml"))
    document = lab if path is None else strict_yaml.read(path)
    tree = _Tree(document, lab)
    tree.set_from_documented(environ)
    faults = list(tree.set_from_environment(environ))
    tree.set_from_flags(overrides)
    tree.leave_robots_out_of_a_hub()
    faults += [tree.fault(at, text) for at, text in _contradictions(tree.keys)]
    try:
        config = _ADAPTER.validate_json(orjson.dumps(tree.keys, default=str), strict=True)
    except ValidationError as error:
        faults += [tree.fault(*_told(detail)) for detail in error.errors(include_url=False)]
        raise ConfigError("\n".join(faults)) from error
    if faults:
        raise ConfigError("\n".join(faults))
    return replace(
        config, source=path, default_robot=config.default_robot or next(iter(config.robots), None)
    )


class _Tree:
    """The keys as they are put together, and where each came from."""

    def __init__(self, document: Document, lab: Document) -> None:
        if not isinstance(document.value, dict | None):
            raise ConfigError(f"{document.name}: expected keys such as `port: 8090`")
        self.keys: dict[str, Any] = _filled(document.value, Config)
        self._document = document
        self._others: dict[KeyPath, str] = {}
        if "store" in self.keys:
            self.keys["store"] = _whole_store(self.keys["store"])
        if document.value is not None:
            _anchor_paths(self.keys, Path(document.name).parent)
        self._of_the_lab = document is lab or not self.keys.get("robots")
        if not self.keys.get("robots"):
            self.keys["robots"] = copy.deepcopy(lab.value["robots"])
            self.keys.setdefault("default_robot", lab.value["default_robot"])
        self._places_of_the_lab = document is lab or not self.keys.get("resources")
        if not self.keys.get("resources"):
            self.keys["resources"] = copy.deepcopy(lab.value["resources"])

    def set_from_documented(self, environ: Mapping[str, str]) -> None:
        """Put in what the documented variables say; one that says nothing useful is logged."""
        for variable, path, value in documented.values(environ):
            self._put(path, value, variable)

    def set_from_environment(self, environ: Mapping[str, str]) -> Iterator[str]:
        """Put in every ROBOTQ_ variable; tells those that cannot be."""
        # by name: what sets a whole section comes before what sets one key of it
        for variable in sorted(environ):
            if not variable.startswith(keys.PREFIX) or variable in keys.OTHER_VARIABLES:
                continue
            target = keys.target_of(variable, self.keys)
            if target is None:
                yield f"{variable}: unknown variable{keys.suggestion(variable, keys.variables())}"
                continue
            path, kind = target
            try:
                self._put(path, keys.from_text(environ[variable], kind, variable), variable)
            except ConfigError as error:
                yield str(error)

    def set_from_flags(self, overrides: Mapping[str, Any]) -> None:
        """Put in what the command line says."""
        for dotted, value in overrides.items():
            if value is not None:
                flag = _FLAGS.get(dotted, "--" + dotted.replace("_", "-").replace(".", "-"))
                self._put(tuple(dotted.split(".")), value, flag)

    def leave_robots_out_of_a_hub(self) -> None:
        """It drives none, so where the operator names none, those of the lab are not meant."""
        named = any(path[0] == "robots" for path in self._others)
        if self._of_the_lab and not named and _is_hub(self.keys):
            self.keys["robots"] = {}
            self.keys.pop("default_robot", None)
            if self._places_of_the_lab:
                self.keys["resources"] = {}

    def fault(self, path: KeyPath, text: str) -> str:
        """One line about the key at `path`."""
        return f"{self._where(path)}: {key_text(path)}: {text}"

    def _where(self, path: KeyPath) -> str:
        for length in range(len(path), 0, -1):
            if path[:length] in self._others:
                return self._others[path[:length]]
        return self._document.where(path)

    def _put(self, path: tuple[str, ...], value: Any, origin: str) -> None:
        self._others[path] = origin
        here = self.keys
        for key in path[:-1]:
            here = here.setdefault(key, {})
            if not isinstance(here, dict):
                # the check of what stands there will say so
                return
        here[path[-1]] = _whole_store(value) if path == ("store",) else value


def _whole_store(value: Any) -> Any:
    """`store: memory` as the section that it is short for."""
    return {"own": value} if isinstance(value, str) else value


def _is_hub(tree: Mapping[str, Any]) -> bool:
    """Whether the daemon drives no robots."""
    fleet = tree.get("fleet")
    return isinstance(fleet, dict) and fleet.get("hub") is True


def _filled(value: Any, kind: Any) -> Any:
    """A copy in which a key with nothing behind it has no entries instead of null."""
    if value is None:
        return keys.empty(kind)
    if isinstance(value, dict):
        return {key: _filled(inner, keys.child(kind, key)) for key, inner in value.items()}
    return value


def _anchor_paths(tree: dict[str, Any], folder: Path) -> None:
    """Make what the file says about other files independent of the current folder."""
    if isinstance(tree.get("data"), str):
        tree["data"] = _home(tree["data"])
    if isinstance(tree.get("commands"), list):
        tree["commands"] = [_anchored(item, folder) for item in tree["commands"]]
    notify = tree.get("notify")
    if isinstance(notify, dict):
        for key in ("to", "escalate_to"):
            if isinstance(notify.get(key), list):
                notify[key] = [_anchored_file(item, folder) for item in notify[key]]
    robots = tree.get("robots")
    for robot in robots.values() if isinstance(robots, dict) else ():
        _anchor_options(robot, folder)
        devices = robot.get("devices") if isinstance(robot, dict) else None
        for device in devices.values() if isinstance(devices, dict) else ():
            _anchor_options(device, folder)


def _anchor_options(owner: Any, folder: Path) -> None:
    if isinstance(owner, dict) and isinstance(owner.get("options"), dict):
        owner["options"] = {
            name: _anchored(value, folder) if _is_path(value) else value
            for name, value in owner["options"].items()
        }


def _anchored_file(value: Any, folder: Path) -> Any:
    is_file = isinstance(value, str) and value.startswith("file:")
    return f"file:{folder / _home(value.removeprefix('file:'))}" if is_file else value


def _anchored(value: Any, folder: Path) -> Any:
    return str(folder / _home(value)) if isinstance(value, str) else value


def _is_path(option: Any) -> bool:
    return isinstance(option, str) and option.startswith(("./", "../", "~/"))


def _home(path: str) -> str:
    # unlike Path.expanduser, this leaves the home of a user who does not exist as it is
    return os.path.expanduser(path)  # noqa: PTH111


def _contradictions(tree: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Faults that no key has by itself; parts of a wrong type are told elsewhere."""
    robots = tree["robots"]
    default = tree.get("default_robot")
    if "source" in tree:
        yield ("source",), "unknown key"
    yield from _none_or_some(tree)
    if isinstance(robots, dict) and isinstance(default, str) and default not in robots:
        yield ("default_robot",), f"found {_shown(default)}, expected one of: {', '.join(robots)}"
    for name in WORKER_QUEUES:
        if isinstance(robots, dict) and name in robots:
            yield ("robots", name), "found the name of a queue for workers, expected another one"
    yield from _out_of_order(tree)
    yield from _without_fleet(tree)
    yield from _standby(tree)
    if tree.get("require_key") is True:
        for key in ("allow_anonymous", "trusted_networks"):
            if tree.get(key):
                yield (key,), "found beside require_key; expected one of the two"
    resources = tree["resources"]
    owner: dict[str, str] = {}
    for resource, places in resources.items() if isinstance(resources, dict) else ():
        for index, place in enumerate(places if isinstance(places, list) else ()):
            if isinstance(place, str) and owner.setdefault(place, resource) != resource:
                found = f"found {place}, which belongs to {owner[place]}"
                yield ("resources", resource, index), f"{found}; expected one resource only"


def _none_or_some(tree: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    robots = tree["robots"]
    if robots and _is_hub(tree):
        yield ("fleet", "hub"), "found true beside robots; a hub drives none"
    elif robots == {} and not _is_hub(tree):
        yield ("robots",), "found none, expected at least one robot"


def _without_fleet(tree: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    fleet, robots = tree.get("fleet"), tree["robots"]
    if isinstance(fleet, dict) and fleet.get("dsn") is not None:
        return
    for name, robot in robots.items() if isinstance(robots, dict) else ():
        if isinstance(robot, dict) and robot.get("durability") == "fleet":
            yield ("robots", name, "durability"), "found fleet, and no fleet.dsn to write to"


def _out_of_order(tree: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    interfaces = tree.get("interfaces")
    section = interfaces.get("dispatcher") if isinstance(interfaces, dict) else None
    if not isinstance(section, dict):
        return
    default = DispatcherConfig()
    low = section.get("min_timeout_s", default.min_timeout_s)
    high = section.get("max_timeout_s", default.max_timeout_s)
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        named = "min_timeout_s" if "min_timeout_s" in section else "max_timeout_s"
        path = ("interfaces", "dispatcher", named)
        yield path, f"found {low:g} s for the shortest and {high:g} s for the longest timeout"


def _standby(tree: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    fleet = tree.get("fleet")
    alone = not isinstance(fleet, dict) or not fleet.get("dsn")
    robots = tree["robots"]
    for name, robot in robots.items() if isinstance(robots, dict) else ():
        standby = robot.get("standby") if isinstance(robot, dict) else None
        if not isinstance(standby, dict):
            continue
        path = ("robots", name, "standby")
        if alone:
            yield path, "found without fleet.dsn; expected the database in which the lease is"
        lease_s = standby.get("lease_s", StandbyConfig.lease_s)
        margin_s = standby.get("margin_s", StandbyConfig.margin_s)
        numbers = isinstance(lease_s, int | float) and isinstance(margin_s, int | float)
        if numbers and 2 * margin_s > lease_s:
            found = f"found {margin_s:g} s of a lease of {lease_s:g} s"
            yield (*path, "margin_s"), f"{found}; expected half of that at most"


def _told(detail: ErrorDetails) -> tuple[KeyPath, str]:
    """Where a fault is and what it is, in the words of somebody who edits the file."""
    # [key] marks that the name itself is wrong and not what stands under it
    path = tuple(part for part in detail["loc"] if part != "[key]")
    if detail["type"] == "unexpected_keyword_argument":
        section: Any = Config
        for part in path[:-1]:
            section = keys.child(section, str(part))
        return path, f"unknown key{keys.suggestion(str(path[-1]), keys.children(section))}"
    if path == ("store", "own") and str(detail["input"]).startswith("postgres"):
        return path, _NO_ROBOTS_THERE
    expected = _EXPECTED.get(detail["type"], detail["msg"].removeprefix("Input should be "))
    return path, f"found {_shown(detail['input'])}, expected {expected}"


_NO_ROBOTS_THERE = (
    "found a PostgreSQL, expected 'sqlite' or 'memory': the queues of robots stay with their "
    "daemon. Tasks of workers and the checklist can be there: store.workers"
)


def _shown(value: Any) -> str:
    text = keys.without_password(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
