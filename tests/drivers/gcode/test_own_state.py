"""State belongs to the object that has it: in the drivers for G-code nobody changes a field of
another one, so that each change, and the lock that it needs, stands in one class."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import robotq.drivers
from tests.syntax import tree_of

_DRIVERS = Path(robotq.drivers.__file__).parent
_MODULES = sorted(
    path for part in ("gcode", "grbl", "marlin") for path in (_DRIVERS / part).rglob("*.py")
)
_SHARED = ("channel", "condition", "position", "polling", "controls", "gate", "numbered",
           "under_way")  # fmt: skip
"""Objects that several threads know. What a record of one module's own holds is its matter."""


def _targets(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets) | ast.Delete(targets=targets):
                yield from targets
            case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                yield target
            case ast.NamedExpr(target=target):
                yield target
            case _:
                pass


def _from_outside(source: str) -> list[str]:
    """What is assigned to an attribute of a shared object by somebody else."""
    found: list[str] = []
    for target in _targets(tree_of(source)):
        for each in ast.walk(target):
            if not isinstance(each, ast.Attribute) or not isinstance(each.ctx, ast.Store | ast.Del):
                continue
            owner = ast.unparse(each.value).rpartition(".")[2].lstrip("_")
            if owner in _SHARED:
                found.append(ast.unparse(each))
    return found


def test_module__assigns_to_no_field_of_a_shared_object() -> None:
    found = {path: seen for path in _MODULES if (seen := _from_outside(path.read_text()))}
    assert found == {}


def _channels() -> Iterator[ast.ClassDef]:
    for module in _MODULES:
        for node in ast.walk(tree_of(module.read_text())):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Channel"):
                yield node


def test_channel__has_no_public_field_that_changes() -> None:
    channels = list(_channels())
    assert channels
    for node in channels:
        own = [
            each.attr
            for target in _targets(node)
            for each in ast.walk(target)
            if isinstance(each, ast.Attribute) and ast.unparse(each.value) == "self"
        ]
        public = {name for name in own if not name.startswith("_")}
        # given at the start, and never another one
        assert public <= {"condition", "gate", "position", "port", "transport", "turn"}, node.name
        assert all(own.count(name) <= 1 for name in public)


def test_this_look__sees_what_it_is_for() -> None:
    assert _from_outside("channel.why_lost = None") == ["channel.why_lost"]
    assert _from_outside("self._channel.told, x = [], 1") == ["self._channel.told"]
    assert _from_outside("self._polling.busy += 1") == ["self._polling.busy"]
    assert _from_outside("del channel.told") == ["channel.told"]
    assert _from_outside("self._told = channel.told()") == []
