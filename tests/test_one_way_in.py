"""One way in: whoever is outside of the engine asks `reads`, and changes tasks by verbs of
`queue`. Import contracts cannot see what somebody reaches through an object; the syntax tree can.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.syntax import tree_of

ROBOTQ = Path(__file__).parents[1] / "robotq"


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


ENGINE = _words(
    # what there is
    "reads holds why config catalog clock signals robots robot absent armed accepts can_reload",
    "offered store_available default_robot queue_name queue_names recorded audit artifacts",
    # what can be done
    "queue intake immediate checklist estop webhooks programs releasing pause resume retry",
    "from_line jogging raw_lines alarms put_back repeats places maintenance notifications mirror",
    "isolate heard",
    "standby",
    "retry_once retry_batch resolve move_to answer stop_robot hold_motion resume_motion arm note",
    "prepare_reload reload reload_configuration run_background begin shut_down",
)
"""All that an `Engine` has for others."""

QUEUE = _words(
    # commands of robots
    "also_kept_by",
    "submit retry cancel cancel_waiting find_many cancel_many resolve approve reject move give",
    # tasks of workers
    "submit_job retry_job claim_job claim_this_job renew_job give_back_job finish_job lose_job",
    "expire_job count_job_anew",
    # what is to be expected
    "wait_ended closed close revision revision_of waits would_start would_stand misfits",
    "current_run duration_s remaining_s starts_in_s schedule hands_out job_ready outlooks",
)
"""All that a `TaskQueue` has for others."""

INSIDE_ONLY = {"queue": frozenset({"close", "give", "cancel_waiting"})}
"""Public for the engine's own modules."""

HOLDS = frozenset({"of", "all", "held", "has", "get", "robots"})
"""How holds are looked at. Only the engine sets them."""

ALLOWED = {
    "queue": QUEUE - INSIDE_ONLY["queue"],
    "holds": HOLDS,
}


_NAMED = re.compile(r"(?<!robotq\.)\b_?engine\b[\s)]*\.")
"""Something of an engine is named, other than in an import."""


def _modules() -> list[Path]:
    return [
        path
        for path in sorted(ROBOTQ.rglob("*.py"))
        if path.relative_to(ROBOTQ).parts[0] not in ("engine", "testing")
    ]


def _is_engine(node: ast.expr) -> bool:
    """`engine`, `_engine`, or something's attribute of that name."""
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    return name in ("engine", "_engine")


def _part(node: ast.expr, names: dict[str, str]) -> str | None:
    """Which part of an engine this is, where it is one; `names` stand for parts."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and _is_engine(node.value):
        return node.attr
    return None


def _names(tree: ast.AST) -> dict[str, str]:
    """Local names of parts: `queue = call.engine.queue`."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=True))
                for to, value in pairs:
                    if isinstance(to, ast.Name) and (part := _part(value, {})) in ALLOWED:
                        found[to.id] = part
    return found


def reached(source: str) -> Iterator[str]:
    """What a module outside of the engine must not touch, and touches."""
    if not _NAMED.search(source):
        # most modules, and to parse them takes the time
        return
    tree = tree_of(source)
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        names = _names(scope)
        for node in ast.walk(scope):
            if not isinstance(node, ast.Attribute):
                continue
            if _is_engine(node.value) and node.attr not in ENGINE:
                yield f"{node.lineno}: engine.{node.attr}"
            part = _part(node.value, names)
            if part in ALLOWED and node.attr not in ALLOWED[part]:
                yield f"{node.lineno}: {part}.{node.attr}"
            if isinstance(node.ctx, ast.Store) and (_is_engine(node.value) or part in ENGINE):
                yield f"{node.lineno}: sets {part or 'engine'}.{node.attr}"


def test_outside__nobody_reaches_past_the_facades() -> None:
    found = {
        str(path.relative_to(ROBOTQ)): lines
        for path in _modules()
        if (lines := sorted(set(reached(path.read_text(encoding="utf-8")))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "call.engine._parts.base.store.get('x')",
        "self._engine.journal.note(event)",
        "engine.queue.memory.counts()",
        "engine.queue.jobs.claim(1)",
        "self._workers.engine.queue.close()",
        "engine.holds.set('robot_a', code)",
        "engine._parts.base.store",
        "engine.why.workers_there = who",
        "engine.queue.submit = mine",
        "queue = engine.queue; queue.memory",
        "holds, clock = engine.holds, engine.clock; holds.set('robot_a', code)",
    ],
)
def test_reaching_past_them__is_seen(line: str) -> None:
    assert list(reached(f"def handler():\n    {line}\n"))


@pytest.mark.parametrize(
    "line",
    [
        "call.engine.reads.counts(api='robot')",
        "await_(engine.queue.submit(orders))",
        "engine.holds.of('robot_a')",
        "queue = engine.queue; queue.cancel('x')",
    ],
)
def test_facades__are_there_to_be_used(line: str) -> None:
    assert not list(reached(f"def handler():\n    {line}\n"))


@pytest.mark.parametrize(
    ("module", "name", "listed"),
    [("engine.py", "Engine", ENGINE), ("queue.py", "TaskQueue", QUEUE)],
)
def test_facade__has_what_is_listed_and_nothing_else(
    module: str, name: str, listed: frozenset[str]
) -> None:
    (path,) = (ROBOTQ / "engine").rglob(module)
    tree = tree_of(path.read_text(encoding="utf-8"))
    (facade,) = (
        node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name
    )
    public = {
        node.name
        for node in facade.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    public |= {
        node.attr
        for node in ast.walk(facade)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    assert {one for one in public if not one.startswith("_")} == listed


def test_engine__has_no_circle_that_only_the_type_checker_sees() -> None:
    hidden = [
        str(path.relative_to(ROBOTQ))
        for path in (ROBOTQ / "engine").rglob("*.py")
        if "TYPE_CHECKING" in path.read_text(encoding="utf-8")
    ]
    assert hidden == []


def test_engine__has_one_way_to_the_disk() -> None:
    """Whatever else is written past it is neither in memory nor told."""
    writing = [
        str(path.relative_to(ROBOTQ / "engine"))
        for path in (ROBOTQ / "engine").rglob("*.py")
        if ".apply" in (source := path.read_text(encoding="utf-8"))
        for node in ast.walk(tree_of(source))
        if isinstance(node, ast.Attribute)
        and node.attr == "apply"
        and getattr(node.value, "attr", getattr(node.value, "id", "")) in ("store", "_store")
    ]
    assert set(writing) == {"commit/commit.py"}
