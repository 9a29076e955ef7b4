"""Reads programs of steps out of what a file of command specs says, and finds every fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from robotq.config.keys import suggestion
from robotq.config.strict_yaml import KeyPath
from robotq.model.json import JsonObject
from robotq.steps import language as lang
from robotq.steps.actions import ActionReader
from robotq.steps.shapes import NUMBER, Shape, shape_of
from robotq.steps.values import Fault, ValueReader, shown

_MAX_STEPS = 1_000

_IN_LAST = frozenset(
    ("append", "for_each", "forget", "gcode", "jog", "place", "query", "remember", "result", "set",
     "steps", "wait_s")
)  # fmt: skip
"""What may follow a command that was stopped: it waits for nobody, and is soon over."""

_OF_WORDS: Mapping[str, set[str]] = {
    "for_each": {"for_each", "as", "index", "steps"},
    "on": {"on", "do"},
}
"""Word of a step -> the keys that belong to it."""


def read_program(
    steps: object,
    *,
    schema: JsonObject,
    values: JsonObject,
    no_part: Callable[[str], str | None] = lambda _: None,
    last: object = None,
    last_at: tuple[str, ...] = ("finally",),
) -> tuple[lang.Program, list[Fault]]:
    """The program, and all faults in it; where there is one, the program must not be run. Faults
    in `last`, the steps behind all others, are below `finally`.

    `schema` is that of the command's params, `values` the constants of the file; `no_part`
    says why a command cannot be a part of this one, None where it can.
    """
    reader = _Reader(schema, values, no_part)
    read = reader.steps(steps, ())
    behind = () if last is None else reader.last(last)
    program = lang.Program(steps=read, values=values, last=behind, last_at=last_at)
    return program, reader.faults


class _Reader:
    def __init__(
        self, schema: JsonObject, values: JsonObject, no_part: Callable[[str], str | None]
    ) -> None:
        self._count = 0
        self._last = False
        self._values = ValueReader(
            {
                "params": Shape(schema={"type": "object", **schema}),
                "values": shape_of(values),
                "memory": Shape(),
                "result": Shape(),
            }
        )
        self.faults = self._values.faults
        self._plain = ActionReader(self._values, no_part)
        self._actions: Mapping[str, Callable[[Any, KeyPath], lang.Action]] = {
            **self._plain.actions,
            "steps": lambda value, at: lang.Group(steps=self.steps(value, at)),
        }

    # -- steps ---------------------------------------------------------------------------------

    def steps(self, value: object, at: KeyPath) -> tuple[lang.Step, ...]:
        if not isinstance(value, list | tuple) or not value:
            self._values.fault(at, f"found {shown(value)}, expected a list of steps")
            return ()
        return tuple(
            step
            for index, item in enumerate(value)
            if (step := self._step(item, (*at, index))) is not None
        )

    def last(self, value: object) -> tuple[lang.Step, ...]:
        """Steps that follow whatever has become of the others: they wait for nobody, and find
        nothing out anew."""
        self._last = True
        return self.steps(value, ("finally",))

    def _step(self, value: object, at: KeyPath) -> lang.Step | None:
        self._count += 1
        if self._count > _MAX_STEPS:
            if self._count == _MAX_STEPS + 1:
                self._values.fault(at, f"more than {_MAX_STEPS} steps in one command")
            return None
        if not isinstance(value, Mapping):
            self._values.fault(at, f"found {shown(value)}, expected a step such as `gcode: G0 X10`")
            return None
        of_word: set[str] = set()
        for word, keys in _OF_WORDS.items():
            of_word |= keys if word in value else set()
        named = [key for key in value if key in self._actions and key not in of_word]
        named += [word for word in _OF_WORDS if word in value]
        self._check_keys(value, at, {*named, *of_word})
        if len(named) != 1:
            found = ", ".join(named) or "none"
            actions = ", ".join(sorted({*self._actions, *_OF_WORDS}))
            self._values.fault(at, f"found {found}, expected exactly one action of {actions}")
            return None
        if self._last and named[0] not in _IN_LAST:
            allowed = ", ".join(sorted(_IN_LAST))
            self._values.fault(at, f"found {named[0]}, expected one of {allowed} in `finally`")
        when = self._values.expression(value["when"], (*at, "when")) if "when" in value else None
        detail = self._values.trees(value["detail"], (*at, "detail")) if "detail" in value else {}
        action = self._action(named[0], value, at)
        step = lang.Step(
            action=action,
            name=self._step_name(value, at),
            detail=detail,
            when=when,
            into=self._into(value, action, at),
            timeout_s=self._timeout(value, at),
        )
        if step.into is not None:
            self._values.define(step.into, Shape(nullable=True))
        return step

    def _action(self, name: str, value: Mapping[str, Any], at: KeyPath) -> lang.Action:
        if name == "for_each":
            return self._loop(value, at)
        if name == "on":
            return self._plain.on(value, at)
        return self._actions[name](value[name], (*at, name))

    def _check_keys(self, value: Mapping[str, Any], at: KeyPath, more: set[str]) -> None:
        known = {"step", "detail", "when", "into", "timeout_s", *more}
        for key in value:
            if key not in known and key not in self._actions:
                near = suggestion(str(key), [*known, *self._actions, *_OF_WORDS])
                self._values.fault((*at, key), f"unknown key{near}")

    def _step_name(self, value: Mapping[str, Any], at: KeyPath) -> str | None:
        name = value.get("step")
        if name is None or (isinstance(name, str) and re.fullmatch(r"\w[\w .-]{0,63}", name)):
            return name
        self._values.fault(
            (*at, "step"), f"found {shown(name)}, expected a name of up to 64 characters"
        )
        return None

    def _into(self, value: Mapping[str, Any], action: lang.Action, at: KeyPath) -> str | None:
        name = value.get("into")
        if name is None:
            return None
        if not isinstance(action, lang.Scan | lang.Query | lang.Ask | lang.Do | lang.On):
            self._values.fault((*at, "into"), "expected only beside scan, query, ask, do or on")
        return self._values.name(name, (*at, "into"))

    def _timeout(self, value: Mapping[str, Any], at: KeyPath) -> float | None:
        if "timeout_s" not in value:
            return None
        return self._values.positive(value["timeout_s"], (*at, "timeout_s"))

    def _loop(self, value: Mapping[str, Any], at: KeyPath) -> lang.Loop:
        over = self._values.expression(value["for_each"], (*at, "for_each"))
        item = self._values.name(value.get("as", "item"), (*at, "as")) or "item"
        index = self._values.name(value.get("index", "index"), (*at, "index")) or "index"
        if item == index:
            given = "as" if "as" in value else "index"
            self._values.fault((*at, given), "expected two names for the item and its index")
        shape = self._values.shape(over)
        of_loop = {item: shape.item().sure() if shape != NUMBER else NUMBER, index: NUMBER}
        with self._values.inside(of_loop):
            steps = self.steps(value.get("steps"), (*at, "steps"))
        return lang.Loop(over=over, steps=steps, item=item, index=index)
