"""Places that nobody knows: in resources, in commands and in their steps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice, product
from typing import Any

from robotq.catalog import Catalog, CommandSpec
from robotq.catalog.catalog import parameters_in
from robotq.config import Config, packaged, strict_yaml
from robotq.config.strict_yaml import KeyPath, key_text
from robotq.engine.state.known_robots import KnownRobots, unknown_place
from robotq.model.errors import ConfigError, RobotqError
from robotq.steps import language as lang
from robotq.steps.templates import Template

_MOST_TOGETHER = 1_000
"""Places that one template can make out of the values that a schema allows."""


@lru_cache(maxsize=1)
def _packaged_resources() -> Mapping[str, Sequence[str]]:
    resources: Mapping[str, Sequence[str]] = strict_yaml.read(packaged("robotq.yaml")).value[
        "resources"
    ]
    return resources


class Places:
    """Looks for places that nobody knows."""

    def __init__(
        self, config: Config, catalog: Catalog, labs: Mapping[str, frozenset[str]]
    ) -> None:
        """`labs`: the places of each robot whose driver knows them."""
        self._config = config
        self._catalog = catalog
        self._labs = labs
        guarded = {place for each in config.resources.values() for place in each}
        in_labs = {place for each in labs.values() for place in each}
        self._in_labs = in_labs | set(config.places)
        self._all = frozenset(self._in_labs | guarded)
        # the packaged ones are those of the packaged lab: they say nothing about another robot
        declared = bool(config.places) or config.resources != _packaged_resources()
        written = {name: self._all for name in config.robots if declared and name not in labs}
        known = {name: each | set(config.places) for name, each in labs.items()}
        self.of_robot: Mapping[str, frozenset[str]] = {**known, **written}

    def notes(self) -> Iterator[str]:
        unknown = [name for name in self._config.robots if name not in self.of_robot]
        if unknown:
            yield (
                f"nobody says which places {', '.join(unknown)} has, so a wrong one is refused by "
                "nobody: list them under `places` and `resources`"
            )

    def faults(self) -> Iterator[str]:
        yield from self._of_resources()
        for spec in self._catalog:
            for at, text in self._of_spec(spec):
                yield self._catalog.fault(spec.cmd_type, at, text)

    def _of_resources(self) -> Iterator[str]:
        all_known = all(name in self._labs for name in self._config.robots)
        for resource, listed in self._config.resources.items():
            if not listed:
                at: KeyPath = ("resources", resource)
                yield line_of(self._config, at, "found no place, so it guards nothing")
            for index, place in enumerate(listed):
                if all_known and place not in self._in_labs:
                    at = ("resources", resource, index)
                    text = f"found {unknown_place(place, self._in_labs)}"
                    yield line_of(self._config, at, text)

    def _of_spec(self, spec: CommandSpec) -> Iterator[tuple[KeyPath, str]]:
        own = self._catalog.is_own
        if own(spec.cmd_type, "resources"):
            for index, place in enumerate(spec.resources):
                if not parameters_in(place) and place not in self._all:
                    yield ("resources", index), f"found {unknown_place(place, self._all)}"
        if own(spec.cmd_type, "resources") or own(spec.cmd_type, "schema"):
            for place in spec.resources:
                yield from self._of_template(spec, place)
        if own(spec.cmd_type, "example") and spec.example is not None:
            try:
                self._check(spec, spec.example.get("params"))
            except RobotqError as error:
                yield ("example",), f"{error.args_.get('field')}: {error.args_.get('reason')}"
        if own(spec.cmd_type, "steps"):
            for robot, program in spec.steps.items():
                for at, text in self._of_steps(program.steps):
                    yield ("steps", *(() if robot == "*" else (robot,)), *at), text

    def _of_template(self, spec: CommandSpec, place: str) -> Iterator[tuple[KeyPath, str]]:
        """Places that the schema lets a client name, where it lists them."""
        known = self._known_to(spec)
        names = parameters_in(place)
        rules = {name: spec.schema.get("properties", {}).get(name, {}) for name in names}
        if known is None or not names:
            return
        options = {name: _options(rule) for name, rule in rules.items()}
        for values in islice(product(*options.values()), _MOST_TOGETHER):
            found = place.format_map(dict(zip(names, values, strict=True)))
            if found not in known:
                at = ("schema", "properties", names[0])
                yield at, f"found {unknown_place(found, known)}"

    def _check(self, spec: CommandSpec, params: Any) -> None:
        """Raises RobotqError where no robot that can do it has this place."""
        known = self._known_to(spec)
        if known is not None:
            valid = self._catalog.validated(spec, params)
            anybody = KnownRobots({"the site": known})
            anybody.check_places(self._catalog, spec, valid, "the site")

    def _known_to(self, spec: CommandSpec) -> frozenset[str] | None:
        """The places of all robots that can do it; None where one of them may have any."""
        able = [name for name in self._config.robots if not spec.robots or name in spec.robots]
        if not able or any(name not in self.of_robot for name in able):
            return None
        return frozenset().union(*(self.of_robot[name] for name in able))

    def _of_steps(
        self, steps: Sequence[lang.Step], above: KeyPath = ()
    ) -> Iterator[tuple[KeyPath, str]]:
        for index, step in enumerate(steps):
            at = (*above, index)
            match step.action:
                case lang.Group(steps=inner) | lang.Loop(steps=inner):
                    yield from self._of_steps(inner, (*at, "steps"))
                case lang.Place(name=name):
                    place = _literal(name)
                    if place is not None and place not in self._all:
                        yield (*at, "place"), f"found {unknown_place(place, self._all)}"
                case lang.Do(cmd_type=cmd_type, params=params):
                    yield from self._of_part(cmd_type, params, (*at, "do", "params"))
                case _:
                    pass

    def _of_part(
        self, cmd_type: str, params: Mapping[str, lang.Tree], at: KeyPath
    ) -> Iterator[tuple[KeyPath, str]]:
        """A command as a part of another one that goes to a place by name."""
        spec = self._catalog.get(cmd_type)
        known = self._known_to(spec)
        for template in spec.resources if known is not None else ():
            names = parameters_in(template)
            values = {name: _literal(params.get(name)) for name in names}
            if known is None or not names or None in values.values():
                continue
            place = template.format_map(values)
            if place not in known:
                yield (*at, names[0]), f"found {unknown_place(place, known)}"


def _options(rule: Any) -> Collection[str]:
    """The values that a schema lists for a parameter; empty where it may be anything."""
    if not isinstance(rule, Mapping):
        return ()
    listed = [rule["const"]] if "const" in rule else rule.get("enum", [])
    found = [value for value in listed if isinstance(value, str)]
    default = rule.get("default")
    return list(dict.fromkeys([*found, *([default] if isinstance(default, str) else [])]))


def _literal(value: object) -> str | None:
    """The text of a template without anything to be filled in."""
    if not isinstance(value, Template) or any(part.expression for part in value.parts):
        return None
    return "".join(part.literal for part in value.parts)


def line_of(config: Config, at: KeyPath, text: str) -> str:
    """A fault of the configuration, with the line in which it stands."""
    where = config.name
    if config.source is not None:
        try:
            where = strict_yaml.read(config.source).where(at)
        except ConfigError:
            # it has changed since it was read; the key says enough
            where = config.name
    return f"{where}: {key_text(at)}: {text}"
