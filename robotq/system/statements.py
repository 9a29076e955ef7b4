"""The SQL stands in .sql files beside who uses it, each statement under a name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

_NAME = "-- name: "


def load(package: str, file: str, **parts: str) -> Mapping[str, str]:
    """The statements of a file under `sql/` of a package, by name, with each `{part}` filled in.

    Parameters are written as the library of the database wants them: `%s` or `%(name)s`, `?`."""
    text = files(package).joinpath("sql", file).read_text(encoding="utf-8")
    for part, columns in parts.items():
        text = text.replace("{" + part + "}", columns)
    statements = {}
    for block in text.split(_NAME)[1:]:
        name, _, statement = block.partition("\n")
        statements[name] = statement.strip().removesuffix(";")
    return statements
