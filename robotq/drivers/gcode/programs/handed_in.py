"""Programs of a client, judged when they are handed in: by the same rules as when they run.

Nothing is sent, and nothing is waited for. What the steps of a command say only while it runs is
judged then.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from robotq.drivers.base import DriverError, Resumption
from robotq.drivers.gcode.programs.from_line import from_line
from robotq.drivers.gcode.programs.outlook import Outlook
from robotq.drivers.gcode.reader.lines import RefusedLine, Rules, prepare
from robotq.drivers.steps.values import Scope, program_lines
from robotq.model.json import JsonObject
from robotq.steps import Program
from robotq.steps import language as lang
from robotq.steps.expressions import Expression

_GIVEN = frozenset({"params", "values", "null", "true", "false", "len"})
"""Names whose values are known before a command runs."""
_NO_LINES = (lang.Home, lang.Unlock, lang.Scan, lang.Ask, lang.Wait, lang.Place, lang.Result,
             lang.Append, lang.Remember, lang.Forget)  # fmt: skip
"""Behind these a program still begins in the known modes."""

Look = Callable[[int], None]


def judged(
    steps: Program, params: Any, rules: Rules, *, known: bool, look: Look
) -> JsonObject | None:
    """What the programs that these steps carry out come to; None where it is not known yet which
    they are. `known`: a command begins in known modes, those of `rules.start`.

    `look` is called every few milliseconds, and may raise. Raises DriverError program_refused for
    the first line that would be refused when the command runs, bad_parameter.
    """
    scope = Scope({"params": params, "values": steps.values})
    found = list(_until_unknown(steps.steps, scope))
    if not found:
        return None
    outlook = Outlook(rules, known=known)
    for source in found:
        field = source.text
        try:
            program = prepare(program_lines(scope.value(source)), rules, look=look)
        except RefusedLine as refused:
            raise _told(refused, field) from None
        if not program:
            raise DriverError(
                "the program holds no line to be carried out", code="bad_parameter", field=field
            )
        outlook.add(program, look)
        # the next one begins in what this one leaves
        rules = replace(rules, start=program.leaves)
    return {**outlook.told(), "firmware": rules.firmware}


def resumed(
    steps: Program,
    params: Any,
    line: int,
    rules: Rules,
    *,
    known: bool,
    look: Look,
) -> Resumption:
    """The one program of these steps from a line on. Raises DriverError from_line_refused."""
    found = list(_alone(steps.steps))
    if len(found) != 1 or not isinstance(params, dict):
        raise DriverError(
            "its command does more than carry out one program",
            code="from_line_refused",
            line=line,
            rule="its command does more than carry out one program",
        )
    source = found[0]

    def lines() -> Iterator[str]:
        return program_lines(Scope({"params": params, "values": steps.values}).value(source))

    return from_line(lines, line, rules, known=known, look=look)


def _alone(steps: Sequence[lang.Step]) -> Iterator[Expression]:
    """The programs of these steps; twice where something else is done."""
    for step in steps:
        match step.action:
            case lang.RunProgram(source=source) if step.when is None:
                yield source
            case lang.Group(steps=inner) if step.when is None:
                yield from _alone(list(inner))
            case _:
                nothing = Expression("null", ast.Constant(value=None))
                yield from (nothing, nothing)


def _told(refused: RefusedLine, field: str) -> DriverError:
    rule, mark, way_out = refused.why.partition("; `")
    return DriverError(
        refused.why,
        code="program_refused",
        field=field,
        line=refused.number,
        text=refused.text.strip()[:200],
        rule=rule,
        way_out=f"`{way_out}" if mark else None,
    )


def _until_unknown(steps: Sequence[lang.Step], scope: Scope) -> Iterator[Expression]:
    """The programs that are carried out for sure, up to a step of which it is not known what it
    leaves to them."""
    for step in steps:
        if step.when is not None:
            if not _is_given(step.when):
                return
            if scope.skips(step.when):
                continue
        match step.action:
            case lang.RunProgram(source=source) if _is_given(source):
                yield source
            case lang.Group(steps=inner):
                within = list(inner)
                yield from _until_unknown(within, scope)
                if not all(map(_is_plain, within)):
                    return
            case action if isinstance(action, _NO_LINES):
                continue
            case _:
                return


def _is_plain(step: lang.Step) -> bool:
    """Whether all of it was looked through."""
    if step.when is not None and not _is_given(step.when):
        return False
    match step.action:
        case lang.Group(steps=inner):
            return all(map(_is_plain, inner))
        case lang.RunProgram(source=source):
            return _is_given(source)
        case action:
            return isinstance(action, _NO_LINES)


def _is_given(expression: Expression) -> bool:
    names = {node.id for node in ast.walk(expression.tree) if isinstance(node, ast.Name)}
    return names <= _GIVEN
