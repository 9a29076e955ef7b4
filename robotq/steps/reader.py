"""Reads programs of steps out of what a file of command specs says, and finds every fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from robotq.config.keys import suggestion
from robotq.config.strict_yaml import KeyPath
from robotq.model.json import JsonObject
from robotq.steps import language as lang
from robotq.steps.shapes import NUMBER, Shape, shape_of
from robotq.steps.templates import Template, read_template
from robotq.steps.values import Fault, ValueReader, shown

_MAX_STEPS = 1_000

DOLLAR_QUERIES = ("$#", "$G", "$I", "$N", "$$")
"""Lines of GRBL that answer and change nothing."""


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
        self._no_part = no_part
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
        self._actions: Mapping[str, Callable[[Any, KeyPath], lang.Action]] = {
            "gcode": self._gcode,
            "program": lambda value, at: lang.RunProgram(source=self._values.expression(value, at)),
            "home": self._home,
            "unlock": self._unlock,
            "jog": lambda value, at: lang.Jog(line=self._values.line(value, at)),
            "scan": self._scan,
            "query": self._query,
            "ask": self._ask,
            "do": self._do,
            "wait_s": lambda value, at: lang.Wait(seconds=self._values.expression(value, at)),
            "place": self._place,
            "steps": lambda value, at: lang.Group(steps=self.steps(value, at)),
            "set": self._set,
            "result": lambda value, at: lang.Result(values=self._values.trees(value, at)),
            "append": lambda value, at: lang.Append(items=self._values.trees(value, at)),
            "remember": self._remember,
            "forget": self._forget,
            "fail": lambda value, at: lang.Fail(reason=self._values.template(value, at)),
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
            return self._on(value, at)
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

    # -- actions -------------------------------------------------------------------------------

    def _gcode(self, value: Any, at: KeyPath) -> lang.Gcode:
        lines = value if isinstance(value, list) else [value]
        if not lines:
            self._values.fault(at, "expected at least one line")
        return lang.Gcode(
            lines=tuple(
                self._values.line(line, (*at, index) if isinstance(value, list) else at)
                for index, line in enumerate(lines)
            )
        )

    def _home(self, value: Any, at: KeyPath) -> lang.Home:
        if value is True:
            return lang.Home()
        if isinstance(value, str) and re.fullmatch(r"[XYZABC]{1,6}", value):
            return lang.Home(axes=value)
        self._values.fault(at, f"found {shown(value)}, expected true, or axes such as XY")
        return lang.Home()

    def _unlock(self, value: Any, at: KeyPath) -> lang.Unlock:
        if value is not True:
            self._values.fault(at, f"found {shown(value)}, expected true")
        return lang.Unlock()

    def _scan(self, value: Any, at: KeyPath) -> lang.Scan:
        keys = self._values.mapping(
            {} if value is True else value, at, ("timeout_s", "expect", "attempts")
        )
        attempts = keys.get("attempts", 1)
        if not isinstance(attempts, int) or isinstance(attempts, bool) or not 1 <= attempts <= 100:
            self._values.fault((*at, "attempts"), f"found {shown(attempts)}, expected 1 to 100")
            attempts = 1
        timeout_s, expect = None, None
        if keys.get("timeout_s") is not None:
            timeout_s = self._values.expression(keys["timeout_s"], (*at, "timeout_s"))
        if "expect" in keys:
            expect = self._values.pattern(keys["expect"], (*at, "expect"))
        return lang.Scan(timeout_s=timeout_s, expect=expect, attempts=attempts)

    def _query(self, value: Any, at: KeyPath) -> lang.Query:
        keys = self._values.mapping(value, at, ("line", "expect"), needed=("line", "expect"))
        line = keys.get("line", "")
        if isinstance(line, str) and line in DOLLAR_QUERIES:
            read = Template(line, read_template(line, {}).parts)
        else:
            read = self._values.line(line, (*at, "line"))
        return lang.Query(
            line=read, expect=self._values.pattern(keys.get("expect", ""), (*at, "expect"))
        )

    def _ask(self, value: Any, at: KeyPath) -> lang.Ask:
        allowed = ("prompt", "schema", "answered_by", "args")
        keys = self._values.mapping(value, at, allowed, needed=("prompt",))
        schema = keys.get("schema", {"type": "object"})
        try:
            Draft202012Validator(schema, offline=True)
        except (ValidationError, ValueError, TypeError) as error:
            self._values.fault((*at, "schema"), str(error).splitlines()[0])
        answered_by = keys.get("answered_by")
        if answered_by is not None and not isinstance(answered_by, str):
            self._values.fault((*at, "answered_by"), "expected the name of an immediate command")
            answered_by = None
        return lang.Ask(
            prompt=self._values.template(keys.get("prompt", ""), (*at, "prompt")),
            schema=schema if isinstance(schema, Mapping) else {},
            answered_by=answered_by,
            args=self._values.trees(keys.get("args", {}), (*at, "args")),
        )

    def _do(self, value: Any, at: KeyPath) -> lang.Do:
        keys = self._values.mapping(value, at, ("cmd_type", "params"), needed=("cmd_type",))
        cmd_type = keys.get("cmd_type", "")
        reason = self._no_part(cmd_type) if isinstance(cmd_type, str) else "expected a text"
        if "cmd_type" in keys and reason is not None:
            self._values.fault((*at, "cmd_type"), reason)
        return lang.Do(
            cmd_type=str(cmd_type),
            params=self._values.trees(keys.get("params", {}), (*at, "params")),
        )

    def _on(self, value: Mapping[str, Any], at: KeyPath) -> lang.On:
        device = value["on"]
        if not isinstance(device, str) or not device:
            self._values.fault((*at, "on"), f"found {shown(device)}, expected the name of a device")
        within = (*at, "do")
        keys = self._values.mapping(
            value.get("do"), within, ("cmd_type", "params"), needed=("cmd_type",)
        )
        cmd_type = keys.get("cmd_type", "")
        if not isinstance(cmd_type, str):
            self._values.fault((*within, "cmd_type"), "expected a text")
        return lang.On(
            device=str(device),
            cmd_type=str(cmd_type),
            params=self._values.trees(keys.get("params", {}), (*within, "params")),
        )

    def _place(self, value: Any, at: KeyPath) -> lang.Place:
        return lang.Place(name=None if value is None else self._values.template(value, at))

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

    def _set(self, value: Any, at: KeyPath) -> lang.Assign:
        trees = self._values.trees(value, at)
        for name in trees:
            self._values.name(name, (*at, name))
            self._values.define(name, Shape(nullable=True))
        return lang.Assign(values=trees)

    def _remember(self, value: Any, at: KeyPath) -> lang.Remember:
        keys = self._values.mapping(
            value, at, ("in", "key", "value"), needed=("in", "key", "value")
        )
        return lang.Remember(
            group=self._values.name(keys.get("in", "x"), (*at, "in")) or "",
            key=self._values.template(keys.get("key", ""), (*at, "key")),
            value=self._values.tree(keys.get("value"), (*at, "value")),
        )

    def _forget(self, value: Any, at: KeyPath) -> lang.Forget:
        keys = self._values.mapping(value, at, ("in", "key"), needed=("in",))
        key = keys.get("key")
        return lang.Forget(
            group=self._values.name(keys.get("in", "x"), (*at, "in")) or "",
            key=None if key is None else self._values.template(key, (*at, "key")),
        )
