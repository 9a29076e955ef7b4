"""Descriptions of features (.sila.xml): the commands that they bring, and what they take."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET  # - of the operator's own file

from robotq.config.device_params import DeviceParam
from robotq.config.sila_robot import SilaCommand

_SILA = "{http://www.sila-standard.org}"
_MOST_BYTES = 2 * 2**20
_TYPES: Mapping[str, DeviceParam] = {
    "String": DeviceParam(type="text"),
    "Integer": DeviceParam(type="integer"),
    "Real": DeviceParam(type="number"),
    "Boolean": DeviceParam(type="integer", min=0, max=1),
}
_DEEPEST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One feature."""

    feature: str
    commands: Mapping[str, Mapping[str, tuple[str, DeviceParam] | None]]
    """Identifier -> parameter -> its basic type and what is allowed; None for what is no plain
    value."""
    properties: frozenset[str]

    def brought(self, only: list[str]) -> Iterator[tuple[str, SilaCommand]]:
        """Name -> what there is because of the description."""
        for name, parameters in self.commands.items():
            plain = {each: kind for each, kind in parameters.items() if kind is not None}
            if (name in only or not only) and len(plain) == len(parameters):
                yield (
                    cmd_type(name),
                    SilaCommand(
                        feature=self.feature,
                        command=name,
                        params={each: param for each, (_, param) in plain.items()},
                        parameters={each: _sent(each, basic) for each, (basic, _) in plain.items()},
                    ),
                )
        for name in sorted(self.properties):
            if name in only or not only:
                yield cmd_type(name), SilaCommand(feature=self.feature, property=name, query=True)


def cmd_type(identifier: str) -> str:
    """PickAndPlace -> PICK_AND_PLACE."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", identifier).upper()


def read_description(path: Path) -> Described:
    """Raises ValueError."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    # entities could make a small file into a large one, and a description needs none
    if len(text) > _MOST_BYTES or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ValueError(f"{path} is no description of a feature")
    try:
        root = ET.fromstring(text)  # noqa: S314 - without entities
    except ET.ParseError as error:
        raise ValueError(f"{path} is no XML: {error}") from error
    if root.tag != f"{_SILA}Feature":
        raise ValueError(f"{path} is no description of a feature: it begins with {root.tag}")
    major = root.get("FeatureVersion", "1").split(".")[0]
    origin, category = root.get("Originator", ""), root.get("Category", "none")
    types = {_text(each, "Identifier"): each for each in root.findall(f"{_SILA}DataTypeDefinition")}
    commands = {}
    for each in root.findall(f"{_SILA}Command"):
        commands[_text(each, "Identifier")] = {
            _text(one, "Identifier"): _kind(one.find(f"{_SILA}DataType"), types)
            for one in each.findall(f"{_SILA}Parameter")
        }
    return Described(
        feature=f"{origin}/{category}/{_text(root, 'Identifier')}/v{major}",
        commands=commands,
        properties=frozenset(
            _text(each, "Identifier") for each in root.findall(f"{_SILA}Property")
        ),
    )


def _kind(
    node: ET.Element | None, types: Mapping[str, ET.Element], depth: int = 0
) -> tuple[str, DeviceParam] | None:
    if node is None or depth > _DEEPEST:
        return None
    basic = node.findtext(f"{_SILA}Basic")
    if basic is not None:
        return (basic, _TYPES[basic]) if basic in _TYPES else None
    named = node.findtext(f"{_SILA}DataTypeIdentifier")
    if named is not None and named in types:
        return _kind(types[named].find(f"{_SILA}DataType"), types, depth + 1)
    constrained = node.find(f"{_SILA}Constrained")
    if constrained is None:
        return None
    kind = _kind(constrained.find(f"{_SILA}DataType"), types, depth + 1)
    bounds = constrained.find(f"{_SILA}Constraints")
    if kind is None or bounds is None:
        return kind
    return kind[0], _bounded(kind[1], bounds)


def _bounded(param: DeviceParam, bounds: ET.Element) -> DeviceParam:
    """As far as robotq can look at it beforehand; the rest the server refuses."""
    told: dict[str, Any] = {}
    for each in bounds:
        kind, text = each.tag.removeprefix(_SILA), (each.text or "").strip()
        if kind == "Set":
            values = [(one.text or "").strip() for one in each]
            told["one_of"] = [_number(one) for one in values] if param.type != "text" else values
        elif kind == "Pattern" and param.type == "text":
            told["pattern"] = text
        elif param.type != "text" and kind in ("MinimalInclusive", "MaximalInclusive"):
            told["min" if kind.startswith("Min") else "max"] = _number(text)
    return replace(param, **told)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"found {text!r}, expected a number")
    return int(value) if value.is_integer() else value


def _sent(name: str, basic: str) -> str:
    return f"{{params.{name} == 1}}" if basic == "Boolean" else f"{{params.{name}}}"


def _text(node: ET.Element, name: str) -> str:
    text = (node.findtext(f"{_SILA}{name}") or "").strip()
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", text, re.ASCII):
        raise ValueError(f"found {text!r}, expected an {name} such as PickAndPlace")
    return text
