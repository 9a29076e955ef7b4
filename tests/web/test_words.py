"""What the forms name in Chinese: every parameter of the commands that come with robotq."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from robotq.config import packaged

_WEB = Path(packaged("lab.yaml")).parents[1] / "web" / "base"
_CONFIG = Path(__file__).parents[2] / "config"
_CHINESE = re.compile("[\u4e00-\u9fff]")
_SAME = {"x", "y", "z", "a", "b", "c"}
"""Axes have the same name everywhere."""


def names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from names(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from names(part)


def descriptions(schema: Any) -> Iterator[str]:
    parts = schema.values() if isinstance(schema, dict) else schema
    if isinstance(schema, dict) and isinstance(schema.get("description"), str):
        yield schema["description"]
    for part in parts if isinstance(schema, dict | list) else ():
        yield from descriptions(part)


def test_form__names_and_explains_every_parameter_in_chinese() -> None:
    words = (_WEB / "words_forms.js").read_text(encoding="utf-8")
    told = dict(re.findall(r'"field\.(\w+)": \["[^"]*", "([^"]*)"\]', words))
    files = [Path(str(packaged("commands.yaml"))), *sorted(_CONFIG.glob("*commands.yaml"))]
    assert len(files) > 2
    asked = {
        name for file in files for name in names(yaml.safe_load(file.read_text(encoding="utf-8")))
    }
    explained = dict(re.findall(r'"about\.([^"]+)": \["[^"]*", "([^"]*)"\]', words))
    said = {
        text
        for file in files
        for text in descriptions(yaml.safe_load(file.read_text(encoding="utf-8")))
    }
    assert {text for text in said if not _CHINESE.search(explained.get(text, ""))} == set()
    assert {name for name in asked - _SAME if not _CHINESE.search(told.get(name, ""))} == set()
