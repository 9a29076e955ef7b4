"""The house has an order: no module, and no room, needs what needs it.

Imports are those that grimp finds: those in functions and those for type checks as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache

import grimp
import pytest

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


def test_modules__need_each_other__in_one_direction_only() -> None:
    assert _circles(_imports()) == []


@pytest.mark.parametrize("house", _HOUSES)
def test_rooms__need_each_other__in_one_direction_only(house: str) -> None:
    needs = _between_rooms(f"robotq.{house}")

    assert needs
    assert _circles(needs) == []
