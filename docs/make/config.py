"""reference/config.md: every key of the configuration."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from docs.make.markdown import cell, code, limits_of, table, type_of, value
from robotq.config import Config, outside, robots, schema

_HEAD = """# Reference: configuration

Every key. [Configuration](../guides/configuration.md) says how a file is written,
checked and read again,
and who wins; [config/robotq.yaml](../../config/robotq.yaml) is a file with all of them.

"""

_SECTIONS: Mapping[str, tuple[str, str]] = {
    "RobotConfig": ("robots.NAME", "One robot; its name is 1 to 64 of a-z, 0-9, _ and -."),
    "StoreConfig": (
        "store",
        "Where tasks and events are; see [PostgreSQL](../guides/postgresql.md).",
    ),
    "QueueConfig": ("queue", "How much the daemon takes and keeps at hand."),
    "RetentionConfig": ("retention", "How long things are kept."),
    "LimitsConfig": ("limits", "What the daemon waits for, and how much at once."),
    "ArtifactsConfig": (
        "artifacts",
        (
            "Files that commands leave behind; see [files of tasks]"
            "(../guides/operations.md#files-of-tasks)."
        ),
    ),
    "WebhooksConfig": ("webhooks", "[Webhooks](../guides/webhooks.md)."),
    "NotifyConfig": ("notify", "[Telling people](../guides/telling-people.md)."),
    "InboxConfig": ("inbox", "[Files](../guides/files.md) instead of HTTP."),
    "FleetConfig": ("fleet", "Several daemons as one; see [the fleet](../guides/fleet.md)."),
    "InterfacesConfig": (
        "interfaces",
        (
            "The interfaces besides that of the robots; [config/all-apis.yaml]"
            "(../../config/all-apis.yaml) gives each the port that its document names."
        ),
    ),
    "TaskQueueConfig": (
        "interfaces.task_queue",
        "Tasks for workers that poll; below `/apis/task-queue` on the main port.",
    ),
    "OrchestratorConfig": (
        "interfaces.orchestrator",
        "Prompts for workers of a work directory; below `/apis/orchestrator`.",
    ),
    "ChecklistConfig": (
        "interfaces.checklist",
        "What people do; below `/apis/checklist`.",
    ),
    "DispatcherConfig": (
        "interfaces.dispatcher",
        "Jobs for workers in groups; below `/apis/dispatcher`.",
    ),
}

_WORDS: Mapping[str, str] = {
    "Path": "path",
    "list[Path]": "list of paths",
    "list[Network]": "list of networks",
    "list[Host]": "list of names, addresses, networks",
    "Url | None": "URL or null",
    "list[NotifyUrl]": "list of URLs",
    "TimeOfDay | None": "time of the day, or null",
}
"""Types that JSON Schema has no word for."""


class Key(NamedTuple):
    path: str
    type: str
    default: str
    bounds: str
    variable: str
    text: str


def sections() -> Iterator[tuple[str, str, list[Key]]]:
    """Section, what it is for, and its keys."""
    described = TypeAdapter(Config).json_schema()
    texts = _docstrings()
    yield "", "", list(_keys("", described, texts["Config"], described))
    for name, (prefix, text) in _SECTIONS.items():
        section = described["$defs"][name]
        yield prefix, text, list(_keys(f"{prefix}.", section, texts[name], described))


def page() -> str:
    parts = [_HEAD]
    for section, text, found in sections():
        if section:
            parts.append(f"\n## {cell(section)}\n\n{text}\n\n")
        rows = [
            (code(key.path), key.type, key.default, key.bounds, code(key.variable), key.text)
            for key in found
        ]
        parts.append(table(("key", "type", "default", "bounds", "variable", ""), rows))
    return "".join(parts)


def _keys(
    prefix: str,
    section: Mapping[str, Any],
    texts: Mapping[str, tuple[str, str]],
    described: Mapping[str, Any],
) -> Iterator[Key]:
    for name, (annotation, text) in texts.items():
        if name == "source":
            continue
        rule = section["properties"][name]
        path = prefix + name
        yield Key(
            path=path,
            type=_WORDS.get(annotation) or _type(rule),
            default=value(rule["default"]) if "default" in rule else _empty(rule, described),
            bounds=limits_of(rule),
            variable="ROBOTQ_" + path.upper().replace(".", "__"),
            text=_in_yaml(text),
        )


def _in_yaml(text: str) -> str:
    words = {"None": "null", "True": "true", "False": "false"}
    return re.sub(r"\b(None|True|False)\b", lambda found: words[found[0]], text)


def _type(rule: Mapping[str, Any]) -> str:
    if "$ref" in rule:
        return "section"
    patterns = rule.get("patternProperties")
    return "names with a section each" if patterns else type_of(rule, {})


def _empty(rule: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    if "$ref" in rule:
        return f"see [below](#{next(_section_of(rule, described)).replace('.', '')})"
    return code("[]") if rule.get("type") == "array" else code("{}")


def _section_of(rule: Mapping[str, Any], described: Mapping[str, Any]) -> Iterator[str]:
    name = rule["$ref"].rpartition("/")[2]
    assert name in described["$defs"]
    yield _SECTIONS[name][0]


def _docstrings() -> Mapping[str, Mapping[str, tuple[str, str]]]:
    """Class -> key -> its annotation and the text under it, as they stand in the source."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    modules = (robots, outside, schema)
    for node in (one for module in modules for one in ast.parse(inspect.getsource(module)).body):
        if not isinstance(node, ast.ClassDef) or node.name == "Section":
            continue
        of_class = found[node.name] = {}
        for base in node.bases:
            of_class |= found.get(ast.unparse(base), {})
        name = ""
        for part in node.body:
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                name = part.target.id
                of_class[name] = (ast.unparse(part.annotation), "")
            elif isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) and name:
                of_class[name] = (of_class[name][0], inspect.cleandoc(str(part.value.value)))
    return found
