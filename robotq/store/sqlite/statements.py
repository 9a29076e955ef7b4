"""The SQL of this package: it stands in .sql files, each statement under a name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

_NAME = "-- name: "


def load(file: str, **parts: str) -> Mapping[str, str]:
    """The statements of a file under `sql/` by name, with each `{part}` filled in."""
    text = files(__package__).joinpath("sql", file).read_text(encoding="utf-8")
    for part, columns in parts.items():
        text = text.replace("{" + part + "}", columns)
    statements = {}
    for block in text.split(_NAME)[1:]:
        name, _, statement = block.partition("\n")
        statements[name] = statement.strip().removesuffix(";")
    return statements
