"""reference/commands.md: every command that comes with robotq."""

from __future__ import annotations

from typing import Any

from docs.make.markdown import code, fields, json_block, type_of
from robotq.catalog import CommandSpec, Kind, load_catalog

_HEAD = """# Reference: commands

The commands that come with robotq. [Commands](packaged-commands.md) says what a command file
holds and
how to add commands of your own; a running daemon lists those of its site at `/commands`.

"""

_KINDS = {
    Kind.QUEUED: ("Queued", "They become tasks and wait for their turn."),
    Kind.INPUT: ("Answers", "They answer a running command that asks, and are no tasks."),
    Kind.CONTROL: ("Signals", "They act at once, outside of the queue, and are journalled."),
    Kind.QUERY: ("Questions", "They are answered at once and are in no count."),
}


def page() -> str:
    catalog = load_catalog([])
    parts = [_HEAD]
    for kind, (title, text) in _KINDS.items():
        parts.append(f"## {title}\n\n{text}\n")
        parts += [_section(spec) for spec in catalog if spec.kind is kind]
        parts.append("\n")
    return "".join(parts).rstrip() + "\n"


def _section(spec: CommandSpec) -> str:
    parts = [f"\n### {spec.cmd_type}\n\n{spec.title['en']}. {spec.title['zh']}。\n"]
    if spec.kind is Kind.QUEUED:
        parts.append(f"\n{_facts(spec)}\n")
    if params := _params(spec.schema):
        parts.append(f"\n{params}")
    if spec.example is not None:
        parts.append(f"\n{json_block(spec.example)}")
    return "".join(parts)


def _facts(spec: CommandSpec) -> str:
    facts = [f"Ends within {spec.timeout_s:g} s, or is stopped."]
    if spec.robots:
        facts.append(f"Done by {', '.join(spec.robots)}.")
    if spec.resources:
        facts.append(f"Goes to {', '.join(map(code, spec.resources))}.")
    if spec.idempotent:
        facts.append("May run again by itself after the daemon died while it ran.")
    return " ".join(facts)


def _params(schema: Any) -> str:
    types = schema.get("type")
    listed = "" if types == "object" else f"`params` is {type_of(schema, {})}.\n\n"
    return listed + fields(schema, {})
