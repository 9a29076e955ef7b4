"""The reference is made from the code, and has everything that the code has."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from docs.make import cli, config
from docs.make.pages import FOLDER, PAGES
from robotq.api.root import ROUTES
from robotq.catalog import load_catalog
from robotq.cli import COMMANDS
from robotq.config import Config, load_config
from robotq.config.keys import variables
from robotq.engine.timings import Timings
from robotq.model.errors import ERROR_CODES
from tests.syntax import tree_of

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
WRITTEN_BY_HAND = {
    "command-line.md",
    "commands-as-configuration.md",
    "http-interface.md",
    "packaged-commands.md",
}


@pytest.fixture(scope="module")
def pages() -> Mapping[str, str]:
    return {name: (FOLDER / name).read_text(encoding="utf-8") for name in PAGES}


@pytest.mark.parametrize("name", PAGES)
def test_page__is_what_the_code_says_today(name: str) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run: python -m docs.make"


def test_pages__none_is_left_over() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES) | WRITTEN_BY_HAND


def test_http__has_every_route_with_its_errors(pages: Mapping[str, str]) -> None:
    sections = re.split(r"^### ", pages["http.md"], flags=re.MULTILINE)[1:]
    by_title = {section.partition("\n")[0]: section for section in sections}
    assert set(by_title) == {f"{route.method} {route.path}" for route in ROUTES}
    for route in ROUTES:
        section = by_title[f"{route.method} {route.path}"]
        assert route.summary in section
        assert all(f"errors.md#{name})" in section for name in route.errors)
        assert all(f"`{header.name}`" in section for header in route.headers)


def test_http__every_shape_is_described(pages: Mapping[str, str]) -> None:
    named = set(re.findall(r"shapes\.md#(\w+)\)", pages["http.md"] + pages["shapes.md"]))
    titles = re.findall(r"^### (\w+)$", pages["shapes.md"], re.MULTILINE)
    assert named <= {title.lower() for title in titles}


def test_errors__every_code_says_what_it_is_in_both_languages(pages: Mapping[str, str]) -> None:
    for row in ERROR_CODES.values():
        assert f"\n### {row.name}\n\n{row.number}, HTTP {row.http_status}, " in pages["errors.md"]
        assert f"- en: {row.en}\n- zh: {row.zh}\n" in pages["errors.md"]


def test_config__every_key_says_what_it_means(pages: Mapping[str, str]) -> None:
    found = {key.path: key for _, _, section in config.sections() for key in section}
    defaults = load_config(None, {}, {})
    for path, key in found.items():
        assert f"| `{path}` |" in pages["config.md"]
        # a section says it where its keys are
        assert key.text or key.type == "section", path
        if "." not in path:
            assert hasattr(defaults, path)
    top = {field for field in Config.__dataclass_fields__ if field != "source"}
    assert top <= set(found)


def test_config__every_variable_is_one_that_is_read(pages: Mapping[str, str]) -> None:
    shown = set(re.findall(r"`(ROBOTQ_\w+)`", pages["config.md"]))
    assert set(variables()) <= shown
    assert "ROBOTQ_ROBOTS__NAME__ON_START" in shown


def test_config__the_sample_file_has_every_key() -> None:
    text = (ROOT / "config" / "robotq.yaml").read_text(encoding="utf-8")
    for _, _, section in config.sections():
        for key in section:
            assert re.search(rf"^ *{key.path.rpartition('.')[2]}:", text, re.MULTILINE), key.path


def test_commands__every_one_has_a_title_in_both_languages(pages: Mapping[str, str]) -> None:
    for spec in load_catalog([]):
        section = f"\n### {spec.cmd_type}\n\n{spec.title['en']}. {spec.title['zh']}。\n"
        assert section in pages["commands.md"]


def test_metrics__every_one_says_what_it_counts(pages: Mapping[str, str]) -> None:
    rows = re.findall(
        r"^\| `(robotq_\w+)` \| (\w+) \| .* \| (.*) \|$", pages["metrics.md"], re.MULTILINE
    )
    assert len(rows) > 15
    assert all(text.endswith(".") for _, _, text in rows)


def test_cli__every_command_and_option_says_what_it_does(pages: Mapping[str, str]) -> None:
    found = {command.name: command for command in cli.commands()}
    assert {name.partition(" ")[0] for name in found} == set(COMMANDS)
    for name, command in found.items():
        assert f"\n## robotq {name}\n\n{command.text}\n" in pages["cli.md"]
        assert command.text
        for parameter in command.parameters:
            assert f"| `{parameter.shown}` |" in pages["cli.md"]
            assert parameter.text or not parameter.shown.startswith("-"), f"{name} {parameter}"


# -- what is written by hand and names parts of the code ---------------------------------------


def test_promises__each_is_held_by_tests_that_are_there() -> None:
    text = (DOCS / "explanation" / "promises.md").read_text(encoding="utf-8")
    promises = re.split(r"^## \d\. ", text, flags=re.MULTILINE)[1:]
    assert len(promises) == 4
    for promise in promises:
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", promise)
        assert len(named) >= 5, promise.partition("\n")[0]


def test_page__every_test_that_it_names_is_there() -> None:
    for file in DOCS.rglob("*.md"):
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", file.read_text(encoding="utf-8"))
        for test_file, name in named:
            assert name in _functions(ROOT / test_file), f"{file}: {test_file}::{name}"


@cache
def _functions(file: Path) -> set[str]:
    tree = tree_of(file.read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_operations__every_metric_to_watch_is_there(pages: Mapping[str, str]) -> None:
    text = (DOCS / "guides" / "operations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(robotq_\w+)`", text))
    assert len(named) > 8
    assert all(f"| `{name}` |" in pages["metrics.md"] for name in named)


def test_service__stops_later_than_the_daemon_may_take_and_starts_it_again() -> None:
    text = (ROOT / "config" / "robotq.service").read_text(encoding="utf-8")
    unit = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    limits = load_config(None, {}, {}).limits
    timings = Timings()
    # the robots, the disk, and drivers that do not close
    longest_s = limits.shutdown_grace_s + limits.stop_timeout_s + timings.disk_at_end_s
    longest_s += 2 * timings.answer_s
    assert int(unit["TimeoutStopSec"]) > 1.5 * longest_s
    told = (DOCS / "guides" / "operations.md").read_text(encoding="utf-8")
    assert f"{timings.disk_at_end_s:g} seconds for the disk" in told
    assert unit["Restart"] == "always"
    program, command, *options = unit["ExecStart"].split()
    assert program.endswith("/robotq")
    serve = next(found for found in cli.commands() if found.name == command)
    known = {parameter.shown.partition(" ")[0] for parameter in serve.parameters}
    assert set(options[::2]) <= known
