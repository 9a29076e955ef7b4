"""What the docs say exists, and what exists is in the docs."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from robotq.catalog import CommandSpec, load_catalog
from robotq.cli import COMMANDS, command_line
from robotq.cli.shared.failure import ExitCode
from robotq.cli.shared.parse import Exit
from robotq.model import crashpoints
from robotq.model.hold import HoldCode

from .crash.faults import FAULTS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ALL = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def links() -> Iterator[tuple[Path, str]]:
    for file in ALL:
        for target in re.findall(r"\]\(([^)]+)\)", file.read_text(encoding="utf-8")):
            yield file, target


def test_docs__every_link_leads_somewhere() -> None:
    for file, target in links():
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = file.parent / path if path else file
        assert found.exists(), f"{file.name}: {target}"
        if anchor:
            assert anchor in anchors(found.read_text(encoding="utf-8")), f"{file.name}: {target}"


def nav_pages(entry: object) -> Iterator[str]:
    """The pages that a part of the navigation lists."""
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict):
        for inner in entry.values():
            yield from nav_pages(inner)
    elif isinstance(entry, list):
        for inner in entry:
            yield from nav_pages(inner)


def test_docs__every_page_is_in_the_navigation_once() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = sorted(nav_pages(site["nav"]))
    assert listed == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    parts = [name for part in site["nav"] for name in part]
    assert parts == [
        "Home",
        "Tutorial",
        "How-to guides",
        "Drivers",
        "Reference",
        "Explanation",
        "Decisions",
    ]


def test_docs__the_readme_begins_with_the_main_job_and_the_tests() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    demo, tests, *_ = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert demo.endswith("main.py demo\n")
    assert tests.endswith("-m pytest\n")
    assert demo.count("\n") == tests.count("\n") == 1


def options(arguments: list[str]) -> set[str]:
    """The long options that the help of a command lists."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(Exit):
        command_line(arguments)([*arguments[1:], "--help"])
    found = set(re.findall(r"^ +(--[a-z-]+)", shown.getvalue(), re.MULTILINE))
    assert "--help" in found
    return found


def test_docs__every_command_and_option_is_on_the_command_line_page() -> None:
    text = page("reference/command-line.md")
    for command in (*COMMANDS, "keys new", "keys list", "keys revoke"):
        assert f"robotq {command}" in text
        missing = {name for name in options(command.split()) if not re.search(rf"{name}\b", text)}
        assert not missing, command


def test_docs__every_exit_code_is_on_the_command_line_page() -> None:
    for code in ExitCode:
        assert f"| {code.value} |" in page("reference/command-line.md")


def test_docs__every_command_and_every_field_of_a_spec_is_on_the_commands_page() -> None:
    text = page("reference/packaged-commands.md")
    catalog = load_catalog([])
    assert all(re.search(rf"\b{spec.cmd_type}\b", text) for spec in catalog)
    assert not any(spec.idempotent for spec in catalog), "explanation/promises.md says so"
    for field in fields(CommandSpec):
        assert f"`{field.name}`" in text


def test_docs__every_hold_is_on_the_operations_page() -> None:
    for code in HoldCode:
        assert f"| `{code.value}` |" in page("guides/operations.md")


def test_docs__every_crash_point_and_every_fault_is_on_the_page_of_crash_tests() -> None:
    text = page("explanation/crash-tests.md")
    assert f"`{crashpoints.VARIABLE}=" in text
    for name in (*crashpoints.CrashPoint, *FAULTS):
        assert f"| `{name}` |" in text
    # and none that is no more
    rows = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert rows == {*crashpoints.CrashPoint, *FAULTS}


def test_docs__the_example_of_own_commands_works(tmp_path: Path) -> None:
    (example,) = re.findall(
        r"^```yaml\n(.*?)^```", page("reference/packaged-commands.md"), re.MULTILINE | re.DOTALL
    )
    file = tmp_path / "own.yaml"
    file.write_text(example, encoding="utf-8")
    catalog = load_catalog([file])
    assert catalog.get("RINSE").idempotent
    assert catalog.get("SCAN_QRCODE").timeout_s == 900
    assert catalog.get("SCAN_QRCODE").resources == ("SCAN_TABLE", "SPLIT_TABLE")


@pytest.mark.parametrize(
    ("name", "cmd_type"),
    [("guides/own-command.md", "RINSE"), ("drivers/own-driver.md", "BLINK")],
)
def test_docs__the_commands_of_the_guides_work(name: str, cmd_type: str, tmp_path: Path) -> None:
    first = re.search(r"^```yaml\n(commands:.*?)^```", page(name), re.MULTILINE | re.DOTALL)
    assert first is not None
    file = tmp_path / "own.yaml"
    file.write_text(first[1], encoding="utf-8")
    assert load_catalog([file]).get(cmd_type).schema["properties"]
