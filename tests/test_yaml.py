"""YAML as a person edits it, read by libyaml where PyYAML has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotq.config import packaged, strict_yaml
from robotq.model.errors import ConfigError

ROOT = Path(__file__).parents[1]

FILES = [*sorted((ROOT / "config").rglob("*.yaml")), packaged("lab.yaml"), packaged("robotq.yaml")]

RIGHT = [
    "",
    "# only a comment",
    "\ufeffa: 1",
    "a:b",
    "a: [1e-3, 1E5, +2e1, 0x1F, 012, 1_000, 1:30, .inf, yes, ~, 2026-11-22]",
    "x: &some {k: 1, l: [2]}\ny:\n  <<: *some\n  k: 2\nz: *some",
    "a: |\n  kept\n    as it is\nb: >\n  folded\n  lines\n",
    "é: ü\nb: \U0001f600\nc: 'it''s'\nd: \"x\\ty\"",
    "'a': 1\n\"b\":\n- - 2\n  - 3",
]

WRONG = [
    "a: 1\na: 2",
    "a: [1,2",
    "a:\n\t- b",
    'a: "\\q"',
    "a: b: c",
    "- *nobody",
    "a: &x [*x]",
    "--- a\n--- b",
    "a: \x01",
    "a: \ud800",
    "1: 2",
    "? [a]\n: b",
    "a: {",
    "}",
]


def read_exactly(text: str, monkeypatch: pytest.MonkeyPatch) -> strict_yaml.Document:
    """By the reader of every machine."""
    with monkeypatch.context() as here:
        here.setattr(strict_yaml, "_LOADERS", [strict_yaml._ExactLoader])
        return strict_yaml.parse(text, "site.yaml")


@pytest.mark.parametrize(
    "text",
    [*RIGHT, *(pytest.param(file.read_text("utf-8"), id=file.name) for file in FILES)],
)
def test_text__is_the_same_with_and_without_libyaml(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert strict_yaml.parse(text, "site.yaml") == read_exactly(text, monkeypatch)


@pytest.mark.parametrize("text", WRONG)
def test_fault__is_told_the_same_with_and_without_libyaml(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError) as told:
        strict_yaml.parse(text, "site.yaml")
    with pytest.raises(ConfigError) as told_exactly:
        read_exactly(text, monkeypatch)
    assert str(told.value) == str(told_exactly.value)


@pytest.mark.parametrize("part", ["- ", "{a: "])
def test_depth__of_any_number_is_refused(part: str) -> None:
    with pytest.raises(ConfigError, match="nested more than 100 times"):
        strict_yaml.parse(part * 100_000, "site.yaml")
