"""Reads the actions of steps that hold no other steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from robotq.config.strict_yaml import KeyPath
from robotq.steps import language as lang
from robotq.steps.shapes import Shape
from robotq.steps.templates import Template, read_template
from robotq.steps.values import ValueReader, shown

DOLLAR_QUERIES = ("$#", "$G", "$I", "$N", "$$")
"""Lines of GRBL that answer and change nothing."""


class ActionReader:
    """Reads what stands behind the word of an action; every fault is kept in `values`."""

    def __init__(self, values: ValueReader, no_part: Callable[[str], str | None]) -> None:
        """`no_part` says why a command cannot be a part of this one, None where it can."""
        self._values = values
        self._no_part = no_part
        self.actions: Mapping[str, Callable[[Any, KeyPath], lang.Action]] = {
            "gcode": self._gcode,
            "program": lambda value, at: lang.RunProgram(source=values.expression(value, at)),
            "home": self._home,
            "unlock": self._unlock,
            "jog": lambda value, at: lang.Jog(line=values.line(value, at)),
            "scan": self._scan,
            "query": self._query,
            "ask": self._ask,
            "do": self._do,
            "wait_s": lambda value, at: lang.Wait(seconds=values.expression(value, at)),
            "place": self._place,
            "set": self._set,
            "result": lambda value, at: lang.Result(values=values.trees(value, at)),
            "append": lambda value, at: lang.Append(items=values.trees(value, at)),
            "remember": self._remember,
            "forget": self._forget,
            "fail": lambda value, at: lang.Fail(reason=values.template(value, at)),
        }
        """Word -> what reads the value beside it."""

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

    def on(self, value: Mapping[str, Any], at: KeyPath) -> lang.On:
        """A command of a device: two words, `on` and `do`."""
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
