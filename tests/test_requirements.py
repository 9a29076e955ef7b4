"""A plain `pip install .` brings everything that robotq imports, and no tool of its developers."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from tests.syntax import tree_of

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "robotq"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WITH_THEIRS = {
    "pydantic_core": "pydantic", "mcp_types": "mcp", "grpc": "sila2", "google": "sila2",
    "psycopg_pool": "psycopg",
}  # fmt: skip
"""Packages that belong to another one, which brings them."""

_OURS = {"robotq", *sys.stdlib_module_names}
_NAMED = re.compile(r"^\s*(?:from|import)\s+(\w+)", re.MULTILINE)


def names(requirements: list[str]) -> list[str]:
    return [re.split(r"[^\w.-]", one, maxsplit=1)[0].lower() for one in requirements]


def imported(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every foreign package that is imported anywhere in this folder."""
    for file in sorted(folder.rglob("*.py")):
        source = file.read_text("utf-8")
        if set(_NAMED.findall(source)) <= _OURS:
            # most modules, and to parse them takes the time
            continue
        for node in ast.walk(tree_of(source)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            for module in modules:
                package = module.partition(".")[0]
                if package not in _OURS:
                    yield file.relative_to(PACKAGE), WITH_THEIRS.get(package, package)


def test_imports__are_declared_and_extras_stay_in_their_places() -> None:
    distributions = packages_distributions()
    extras = PROJECT["optional-dependencies"]
    plain = set(names(PROJECT["dependencies"]))
    for file, package in imported(PACKAGE):
        allowed = set(plain)
        if file.parts[0] == "mcp":
            allowed |= set(names(extras["mcp"]))
        if file.parts[:2] == ("drivers", "sila"):
            allowed |= set(names(extras["sila"]))
        if file.parts[0] == "postgres" or file.parts[:2] == ("store", "postgres"):
            allowed |= set(names(extras["postgres"]))
        if file.parts[:2] == ("engine", "notify"):
            allowed |= set(names(extras["notify"]))
        if file.parts[0] == "testing":
            allowed.add("pytest")
        if file.parts[:2] == ("drivers", "plc"):
            allowed |= {*names(extras["modbus"]), *names(extras["opcua"]), *names(extras["s7"])}
        if file == Path("daemon/process.py"):
            allowed |= set(names(extras["fast"]))
        found = {name.lower().replace("_", "-") for name in distributions.get(package, [package])}
        assert found & allowed, f"{file} imports {package}"


def test_requirements__stand_there_once() -> None:
    extras = PROJECT["optional-dependencies"]
    assert sorted(extras) == [
        "dev", "docs", "fast", "hid", "mcp", "modbus", "notify", "opcua", "postgres", "ros", "s7",
        "sila", "simulators", "vision",
    ]  # fmt: skip
    for listed in (PROJECT["dependencies"], *extras.values()):
        assert [name for name, times in Counter(names(listed)).items() if times > 1] == []
