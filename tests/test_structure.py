"""The house has an order: no module, and no room, needs what needs it.

Imports are those that grimp finds: those in functions and those for type checks as well.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest

from robotq.api.interfaces import INTERFACES
from robotq.api.root import ROBOT

_HOUSES = ["api", "client", "cli", "drivers", "engine", "store"]


@cache
def _imports() -> Mapping[str, AbstractSet[str]]:
    """What each module imports."""
    graph = grimp.build_graph("robotq", cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def _circles(needs: Mapping[str, AbstractSet[str]]) -> list[list[str]]:
    """The groups in which everything needs everything else (Tarjan's algorithm)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def look(at: str) -> None:
        order[at] = lowest[at] = len(order)
        path.append(at)
        for other in sorted(needs.get(at, ())):
            if other not in order:
                look(other)
                lowest[at] = min(lowest[at], lowest[other])
            elif other in path:
                lowest[at] = min(lowest[at], order[other])
        if lowest[at] == order[at]:
            group = path[path.index(at) :]
            del path[path.index(at) :]
            if len(group) > 1:
                found.append(sorted(group))

    for one in sorted(needs):
        if one not in order:
            look(one)
    return found


def _between_rooms(house: str) -> Mapping[str, AbstractSet[str]]:
    """What each room of a package needs of the others; a module beside the rooms is one too."""

    def room(module: str) -> str | None:
        inside = module.removeprefix(f"{house}.")
        return None if inside == module else inside.partition(".")[0]

    needs: dict[str, set[str]] = defaultdict(set)
    for module, imported in _imports().items():
        here = room(module)
        there = {room(other) for other in imported}
        if here is not None:
            needs[here] |= {other for other in there if other is not None and other != here}
    return needs


def test_circles__of_a_small_house__are_found() -> None:
    needs = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": set()}

    assert _circles(needs) == [["a", "b", "c"]]


def test_pages__no_module_of_the_browser_needs_what_needs_it() -> None:
    web = Path(__file__).parents[1] / "robotq" / "web"
    needs = {
        str(file.relative_to(web)): {
            str((file.parent / name).resolve().relative_to(web.resolve()))
            for name in re.findall(
                r'^(?:import|export)\s[^;]*?from "(\.[^"]+)"',
                file.read_text(encoding="utf-8"),
                re.MULTILINE,
            )
        }
        for file in sorted(web.rglob("*.js"))
    }
    assert sum(map(len, needs.values())) > 100, "imports are written otherwise"
    assert _circles(needs) == []


def test_modules__need_each_other__in_one_direction_only() -> None:
    assert _circles(_imports()) == []


@pytest.mark.parametrize("house", _HOUSES)
def test_rooms__need_each_other__in_one_direction_only(house: str) -> None:
    needs = _between_rooms(f"robotq.{house}")

    assert needs
    assert _circles(needs) == []


_KNOWN_BY_THE_ENGINE = {
    "robotq.drivers.base",
    "robotq.drivers.jogging",
    "robotq.drivers.raw_lines",
    "robotq.drivers.settling",
    "robotq.store.port",
    "robotq.store.mutations",
    "robotq.store.queries",
}


def _project() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))


def _contract(name: str) -> dict[str, Any]:
    contracts: list[dict[str, Any]] = _project()["tool"]["importlinter"]["contracts"]
    return next(one for one in contracts if one["name"] == name)


def _inside(house: str) -> set[str]:
    """Every room of a package, and every module beside them."""
    depth = house.count(".") + 1
    return {
        module
        for module in _imports()
        if module.startswith(f"{house}.") and module.count(".") == depth
    }


def test_contract__of_the_engine__names_every_store_and_driver() -> None:
    there = _inside("robotq.drivers") | _inside("robotq.store")

    forbidden = set(
        _contract("The engine knows protocols, not what is behind them")["forbidden_modules"]
    )
    assert forbidden == there - _KNOWN_BY_THE_ENGINE


def test_contract__of_the_interfaces__names_all_of_them() -> None:
    names = {f"robotq.api.{one.name}" for one in (ROBOT, *INTERFACES)}

    assert set(_contract("Interfaces do not know each other")["modules"]) == names


def test_contract__of_the_drivers__names_all_that_can_be_configured() -> None:
    points = _project()["project"]["entry-points"]["robotq.drivers"]
    drivers = {point.partition(":")[0] for point in points.values()}

    assert set(_contract("Drivers do not know each other")["modules"]) == drivers
