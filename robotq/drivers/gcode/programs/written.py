"""Steps that an operator has written, read by the rules of the controller that gets them.

What is not known before a command runs is left open: a line counts as wrong only where every value
that it may get makes it wrong.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

from robotq.config.strict_yaml import KeyPath
from robotq.drivers.base import DriverError
from robotq.drivers.gcode.reader.lines import RefusedLine, Rules, prepare
from robotq.drivers.gcode.reader.strict import why_no_jog
from robotq.drivers.steps.values import program_lines
from robotq.steps import Program
from robotq.steps import language as lang
from robotq.steps.expressions import Expression, ExpressionError
from robotq.steps.templates import Part, Template, in_line
from robotq.steps.uses import scans

StepFault = tuple[KeyPath, str]

NO_STEPS = "no steps are written for it"
NO_SCANNER = "it reads a code, and the robot has no scanner: set `scanner` in its options"

_ANY = "\0"
_NUMBERS = ("1", "0", "0.5", "-1", "100")
"""What a number may turn out to be."""
_MOST_TOGETHER = 200
"""Words of several parameters that are put together."""
_BEFORE = 100
"""Lines before one that may say what it means."""
_KNOWN_NAMES = frozenset({"values", "null", "true", "false", "len"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one robot may be given."""

    rules: Rules
    """For lines of the operator."""
    program_rules: Rules
    """For programs that are carried out with `program`."""
    query: Callable[[str], str | None]
    """Why a line is none that the controller answers; None where it is one."""
    parts: Collection[str] = ()
    """Commands that the robot has by itself."""


def lacks(program: Program | None, *, scanner: bool) -> str | None:
    """Why a robot that works by steps alone cannot do a command."""
    if program is None:
        return NO_STEPS
    return None if scanner or not scans(program.steps) else NO_SCANNER


def wrong_steps(program: Program, reading: Reading) -> Iterator[StepFault]:
    """What this robot would refuse when its turn comes, by its place below the steps."""
    yield from _Written(program, reading).of_steps(program.steps, ())
    yield from _Written(program, reading).of_steps(program.last, ("finally",))


def why_refused(lines: Sequence[str], rules: Rules) -> str | None:
    """Why the last of these lines cannot be given to the controller; None where it can."""
    try:
        prepare(lines, rules)
    except RefusedLine as error:
        return error.why
    except DriverError as error:
        return str(error)
    return None


class _Written:
    def __init__(self, program: Program, reading: Reading) -> None:
        self._values = program.values
        self._reading = reading

    def of_steps(self, steps: Sequence[lang.Step], above: KeyPath) -> Iterator[StepFault]:
        for index, step in enumerate(steps):
            yield from self._of_step(step, (*above, index))

    def _of_step(self, step: lang.Step, at: KeyPath) -> Iterator[StepFault]:
        match step.action:
            case lang.Group(steps=inner) | lang.Loop(steps=inner):
                yield from self.of_steps(inner, (*at, "steps"))
            case lang.Gcode(lines=lines):
                yield from self._of_lines(lines, (*at, "gcode"))
            case lang.Jog(line=line):
                yield from self._of_one(line, (*at, "jog"), self._why_no_jog)
            case lang.Query(line=line):
                yield from self._of_one(line, (*at, "query", "line"), self._reading.query)
            case lang.RunProgram(source=source):
                yield from self._of_program(source, (*at, "program"))
            case lang.Do(cmd_type=cmd_type) if cmd_type not in self._reading.parts:
                known = ", ".join(sorted(self._reading.parts)) or "none"
                text = f"found {cmd_type}, which is none of its own commands ({known})"
                yield (*at, "do", "cmd_type"), text
            case _:
                pass

    def _of_lines(self, templates: Sequence[Template], at: KeyPath) -> Iterator[StepFault]:
        before: list[str] = []
        rules = self._reading.rules
        for index, template in enumerate(templates):
            here = (*at, index) if len(templates) > 1 else at
            # where one code stands on a line, lines before may say which motion is meant
            context = before[-_BEFORE:] if rules.one_code else []

            def why(line: str, context: Sequence[str] = context) -> str | None:
                return why_refused([*context, line], rules)

            right: list[str] = []
            yield from self._of_one(template, here, why, right)
            before += right[:1]

    def _of_one(
        self,
        template: Template,
        at: KeyPath,
        why: Callable[[str], str | None],
        right: list[str] | None = None,
    ) -> Iterator[StepFault]:
        """`right` gets a line that may be sent, where there is one."""
        try:
            options = [list(self._texts(part)) for part in template.parts]
        except ExpressionError as error:
            yield at, f"found {template.source!r}: {error}"
            return
        for texts in islice(product(*options), _MOST_TOGETHER):
            reason: str | None = None
            for number in _NUMBERS:
                line = "".join(texts).replace(_ANY, number)
                refused = why(line)
                if refused is None:
                    if right is not None:
                        right.append(line)
                    break
                reason = reason or refused
            else:
                yield at, f"found {template.source!r}: {reason}"
                return

    def _texts(self, part: Part) -> Iterator[str]:
        """What may stand there, with `_ANY` for any number. Raises ExpressionError."""
        expression = part.expression
        if expression is None:
            yield part.literal
        elif _is_known(expression):
            yield part.literal + in_line(part, {"values": self._values})
        elif part.options:
            yield from (part.literal + option for option in part.options)
        else:
            yield part.literal + _ANY

    def _of_program(self, source: Expression, at: KeyPath) -> Iterator[StepFault]:
        """A program that the operator has written down as a value."""
        if not _is_known(source):
            return
        try:
            lines = list(program_lines(source.value({"values": self._values})))
        except (ExpressionError, DriverError) as error:
            yield at, str(error)
            return
        why = why_refused(lines, self._reading.program_rules)
        if why is not None:
            yield at, why

    def _why_no_jog(self, axes: str) -> str | None:
        rules = replace(self._reading.rules, one_code=False)
        why = why_refused([axes], rules)
        if why is not None:
            return why
        return why_no_jog(prepare([axes], rules), rules)


def _is_known(expression: Expression) -> bool:
    """Whether its value follows from the constants of the file."""
    names = {node.id for node in ast.walk(expression.tree) if isinstance(node, ast.Name)}
    return names <= _KNOWN_NAMES
