"""YAML as a person edits it: every complaint names the file, the line and the column."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from yaml.composer import Composer

from robotq.model.carried.encodings import not_utf8
from robotq.model.errors import ConfigError

_Loader: TypeAlias = "yaml.SafeLoader | yaml.CSafeLoader"

KeyPath = tuple[str | int, ...]
"""From the top of a document down: keys of mappings and indices of lists."""

MAX_DEPTH = 100
"""Mappings and lists inside each other; more than a person writes, less than JSON encoders take."""

_MOST_NODES = 500_000
"""Values of one document, those that aliases bring again counted again."""


def key_text(path: KeyPath) -> str:
    """A path as people write it: `robots.robot_a.options`, `commands[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


@dataclass(frozen=True, slots=True)
class Document:
    """What a YAML text holds, and where each part of it stands."""

    name: str
    value: Any
    """Mappings, lists and scalars as JSON knows them; None for an empty text."""
    lines: Mapping[KeyPath, int]

    def where(self, path: KeyPath) -> str:
        """`name:line` of the part at `path`, or of the nearest part around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines[path]}" if path in self.lines else self.name


def read(path: Path) -> Document:
    """The YAML file at `path`. Raises ConfigError, also where it cannot be read."""
    return parse(text_of(path), str(path))


def text_of(path: Path) -> str:
    """What `read` parses. Raises ConfigError where it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    told = not_utf8(content)
    if told is not None:
        raise ConfigError(f"{path}: {told}")
    # an editor on Windows begins it with a mark, and ends its lines in its own way
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def parse(text: str, name: str) -> Document:
    """A YAML text. Raises ConfigError that begins with `name`, line and column.

    Stricter than YAML: a key stands once in its mapping and is a text, a document does not
    contain itself, dates stay texts.
    """
    *quick, exact = _LOADERS
    for loader in quick:
        # the same in a fifth of the time, but less to be told where something is wrong
        with suppress(ConfigError, UnicodeEncodeError):
            return _document(loader, text, name)
    return _document(exact, text, name)


def _document(loader: Callable[[str], _Loader], text: str, name: str) -> Document:
    try:
        values = _Values(loader(text))
        value = values.whole()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = name if mark is None else f"{name}:{mark.line + 1}:{mark.column + 1}"
        text = ", ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"{where}: {text}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: nested more than {MAX_DEPTH} times") from error
    return Document(name, value, values.lines)


class _Values:
    """What the nodes of one text stand for, and where they are."""

    def __init__(self, loader: _Loader) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._loader = loader
        self._merged: set[yaml.Node] = set()

    def whole(self) -> Any:
        root = self._loader.get_single_node()
        if root is None:
            return None
        _count(root, {})
        return self._plain(root, ())

    def _plain(self, node: yaml.Node, path: KeyPath, *around: yaml.Node) -> Any:
        if node in around:
            raise _problem("this part contains itself", node)
        if len(around) >= MAX_DEPTH:
            raise _problem(f"nested more than {MAX_DEPTH} times", node)
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [
                self._plain(item, (*path, index), *around, node)
                for index, item in enumerate(node.value)
            ]
        if isinstance(node, yaml.MappingNode):
            result: dict[str, Any] = {}
            for key_node, key, value_node in self._entries(node):
                self.lines[*path, key] = key_node.start_mark.line + 1
                result[key] = self._plain(value_node, (*path, key), *around, node)
            return result
        return self._scalar(node)

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            value = self._loader.construct_object(node)
        except ValueError as error:
            raise _problem(str(error), node) from error
        if value is not None and not isinstance(value, str | int | float):
            raise _problem(f"found a {type(value).__name__}, expected what JSON can hold", node)
        return value

    def _entries(self, node: yaml.MappingNode) -> list[tuple[yaml.Node, str, yaml.Node]]:
        # an alias brings the same node again, whose doubled keys are then those of the merge
        if node not in self._merged:
            self._check_keys(node)
            self._merged.add(node)
            # brings in what `<<` points to, in front, so that a key of this mapping wins
            self._loader.flatten_mapping(node)
        return [(key, self._key(key), value) for key, value in node.value]

    def _check_keys(self, node: yaml.MappingNode) -> None:
        first: dict[str, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self._key(key_node)
            if not isinstance(key, str):
                raise _problem(f"found the key {key!r}, expected a text: quote it", key_node)
            if key in first:
                again = f"the key {key!r} stands a second time, first in line {first[key]}"
                raise _problem(again, key_node)
            first[key] = key_node.start_mark.line + 1

    def _key(self, node: yaml.Node) -> Any:
        if node.tag == "tag:yaml.org,2002:bool" and node.value.lower() not in ("true", "false"):
            # YAML 1.1 takes the key `on` for true; whoever writes it means the word
            return node.value
        return self._loader.construct_object(node, deep=True)


def _count(node: yaml.Node, known: dict[yaml.Node, int]) -> int:
    """How many values this part has once its aliases are unfolded, without unfolding them."""
    if node not in known:
        known[node] = 0  # a part that contains itself is told by whoever unfolds it
        values = []
        if isinstance(node, yaml.SequenceNode):
            values = node.value
        elif isinstance(node, yaml.MappingNode):
            values = [value for _, value in node.value]
        known[node] = 1 + sum(_count(value, known) for value in values)
        if known[node] > _MOST_NODES:
            raise _problem(f"more than {_MOST_NODES} values: aliases double them", node)
    return known[node]


# a date would be the one value that JSON cannot carry
_RESOLVERS = {
    first: [rule for rule in rules if rule[0] != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# YAML 1.1 takes 1e-3 for a text; whoever writes it means the number
_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$")
for _first in "-+0123456789":
    _RESOLVERS.setdefault(_first, []).append(("tag:yaml.org,2002:float", _EXPONENT))


class _ExactLoader(yaml.SafeLoader):
    yaml_implicit_resolvers = _RESOLVERS


_LOADERS: list[Callable[[str], _Loader]] = [_ExactLoader]

if yaml.__with_libyaml__:

    class _QuickLoader(Composer, yaml.CSafeLoader):
        # the composer of libyaml would overflow the stack with a text of any depth
        yaml_implicit_resolvers = _RESOLVERS

        def __init__(self, text: str) -> None:
            yaml.CSafeLoader.__init__(self, text)
            Composer.__init__(self)

    _LOADERS.insert(0, _QuickLoader)


def _problem(text: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=text, problem_mark=node.start_mark)
