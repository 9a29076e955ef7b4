"""What steps use besides the robot that carries them out, and which parameters are programs."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from robotq.steps import language as lang
from robotq.steps.expressions import Expression


def scans(steps: Sequence[lang.Step]) -> bool:
    """Whether a code may be read in these steps."""
    return _any(steps, lang.Scan)


def uses_devices(steps: Sequence[lang.Step]) -> bool:
    """Whether devices beside the robot may be used in these steps."""
    return _any(steps, lang.On)


def _any(steps: Sequence[lang.Step], kind: type[lang.Action]) -> bool:
    """Whether one of them, or of those in groups and loops, has such an action."""
    for step in steps:
        match step.action:
            case lang.Group(steps=inner) | lang.Loop(steps=inner):
                if _any(inner, kind):
                    return True
            case action if isinstance(action, kind):
                return True
            case _:
                pass
    return False


def programs_of(program: lang.Program) -> tuple[str, ...]:
    """The parameters that these steps carry out as programs of G-code, as they are."""
    return tuple(dict.fromkeys(filter(None, map(_parameter, _sources(program)))))


def only_carried_out(program: lang.Program) -> frozenset[str]:
    """Those of them with which nothing else is done, so that they need not be a text."""
    named = set(programs_of(program))
    for expression, source in _expressions(program):
        if not (source and _parameter(expression)):
            named -= _mentioned(expression.tree, named)
    return frozenset(named)


def _sources(program: lang.Program) -> Iterator[Expression]:
    return (expression for expression, source in _expressions(program) if source)


def _expressions(part: object, *, source: bool = False) -> Iterator[tuple[Expression, bool]]:
    """Every expression in it, and whether that says what is carried out."""
    match part:
        case Expression():
            yield part, source
        case msgspec.Struct():
            for name in part.__struct_fields__:
                carried = isinstance(part, lang.RunProgram) and name == "source"
                yield from _expressions(getattr(part, name), source=carried)
        case Mapping():
            for one in part.values():
                yield from _expressions(one)
        case list() | tuple():
            for one in part:
                yield from _expressions(one)
        case _:
            return


def _parameter(expression: Expression) -> str | None:
    """The parameter that an expression is, and nothing else."""
    match expression.tree:
        case ast.Attribute(value=ast.Name(id="params"), attr=name):
            return name
        case _:
            return None


def _mentioned(tree: ast.expr, names: set[str]) -> set[str]:
    """Those of these parameters that an expression may need."""
    found: set[str] = set()
    members = 0
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="params"), attr=name):
                members += 1
                found.add(name)
            case ast.Subscript(
                value=ast.Name(id="params"), slice=ast.Constant(value=str() as name)
            ):
                members += 1
                found.add(name)
            case _:
                pass
    everywhere = sum(isinstance(node, ast.Name) and node.id == "params" for node in ast.walk(tree))
    # the parameters as a whole, or by a name that is calculated
    return set(names) if everywhere > members else found & names
