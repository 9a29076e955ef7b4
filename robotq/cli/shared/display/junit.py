"""JUnit XML, which continuous-integration servers read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import orjson

from robotq.cli.shared.failure import Failure
from robotq.model.json import JsonObject

_NOT_IN_XML = {code: "\ufffd" for code in range(32) if chr(code) not in "\t\n\r"} | {
    0xFFFE: "\ufffd",
    0xFFFF: "\ufffd",
}
"""Characters that XML 1.0 cannot hold, not even escaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One command and how it ended."""

    suite: str
    """The file that it came from."""
    cmd_type: str
    cmd_id: str | None = None
    seconds: float = 0.0
    """Wall time at work."""
    result: JsonObject | None = None
    failure: str | None = None
    """What went wrong; None for a command that completed."""
    kind: str = ""
    """The error's stable name, e.g. device_error."""
    skipped: bool = False
    """It never ran; `failure` says why."""

    @property
    def passed(self) -> bool:
        return self.failure is None

    @property
    def told(self) -> str:
        """How it ended, in words."""
        if self.failure is not None:
            return self.failure
        return str((self.result or {}).get("message", ""))


def write_junit(path: Path, cases: Sequence[Outcome]) -> None:
    """Write one testsuite per file and one testcase per command. Raises Failure."""
    root = Element("testsuites", {"name": "robotq", **_totals(cases)})
    for suite in dict.fromkeys(case.suite for case in cases):
        members = [case for case in cases if case.suite == suite]
        element = SubElement(root, "testsuite", {"name": _clean(suite), **_totals(members)})
        for case in members:
            _add(element, case)
    indent(root)
    try:
        ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from error


def _totals(cases: Sequence[Outcome]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(not case.passed and not case.skipped for case in cases)),
        "errors": "0",
        "skipped": str(sum(case.skipped for case in cases)),
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }


def _add(suite: Element, case: Outcome) -> None:
    element = SubElement(
        suite,
        "testcase",
        classname=_clean(case.suite),
        name=_clean(f"{case.cmd_type} {case.cmd_id or ''}".strip()),
        time=f"{case.seconds:.3f}",
    )
    if case.skipped:
        SubElement(element, "skipped", message=_clean(case.failure or ""))
    elif case.failure is not None:
        SubElement(element, "failure", message=_clean(case.failure), type=_clean(case.kind))
    if case.result is not None:
        output = SubElement(element, "system-out")
        output.text = _clean(orjson.dumps(case.result, option=orjson.OPT_INDENT_2).decode())


def _clean(text: str) -> str:
    return text.translate(_NOT_IN_XML)
