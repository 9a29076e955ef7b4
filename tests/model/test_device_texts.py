"""What drivers say of their devices, in Chinese: every text that stands in a driver has one."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.drivers.grbl.faults import ALARMS, ERRORS, alarm_text, error_text
from robotq.model.errors import RobotqError
from robotq.model.texts import Language, of_devices, text
from robotq.model.texts.of_devices import in_chinese
from tests.syntax import tree_of

DRIVERS = Path(__file__).parents[2] / "robotq" / "drivers"
CHINESE = re.compile("[\u4e00-\u9fff]")
_FIRST = (
    "DriverError",
    "LinkLost",
    "NotAsConfigured",
    "UnknownCommand",
    "Busy",
    "Refused",
    "give_up",
    "lose",
    "forget",
)
_SECOND = ("UncertainOutcome", "NotUnderstood")
_LETTERS = 9
"""Of a text: with fewer it only puts others together."""


def known() -> dict[str, str]:
    file = Path(of_devices.__file__).with_name("of_devices_zh.json")
    read: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return read


def said() -> Iterator[tuple[str, str]]:
    """Each text that a driver raises, with `{}` for what is put in, and where."""
    for path in sorted(DRIVERS.rglob("*.py")):
        for node in ast.walk(tree_of(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            at = 0 if name in _FIRST else 1 if name in _SECOND else len(node.args)
            found = None if at >= len(node.args) else _template(node.args[at])
            if found is not None:
                yield found, f"{path.relative_to(DRIVERS)}:{node.lineno}"


def _template(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    return None


def test_drivers__say_nothing_without_a_chinese_text() -> None:
    have = known()
    without = {
        each: where
        for each, where in said()
        if len(re.sub(r"[^a-zA-Z]", "", each)) >= _LETTERS
        and each not in have
        and not each.startswith("reason.")
    }
    assert without == {}
    assert len(set(have) & {each for each, _ in said()}) > 200


def test_texts__are_chinese_and_have_the_same_holes() -> None:
    for english, chinese in known().items():
        assert english.count("{}") == chinese.count("{}"), english
        assert CHINESE.search(chinese) or english in ("error:{}, {}", "ALARM:{}, {}",
                                                      "{}: error:{}, {}"), english  # fmt: skip


@pytest.mark.parametrize("number", [*ERRORS, 250])
def test_error_of_grbl(number: int) -> None:
    assert CHINESE.search(in_chinese(error_text(number)))


@pytest.mark.parametrize("number", [0, *ALARMS, 250])
def test_alarm_of_grbl(number: int) -> None:
    assert CHINESE.search(in_chinese(alarm_text(number)))


def test_device_error__is_told_in_chinese_with_what_the_device_has_said_in_it() -> None:
    told = RobotqError("device_error", reason="line 3, 'G1 X5': error:9, " + ERRORS[9])
    assert told.text(Language.ZH) == (
        "设备错误: 第 3 行，'G1 X5': error:9，因报警锁定，或正在手动移动: 请先 HOME 或 UNLOCK"
    )
    assert "locked by an alarm" in told.text(Language.EN)
    # a text inside of a text
    why = "of a raw line: HOME, or UNLOCK to take it as it is"
    told = RobotqError("device_error", reason=f"the position is not known, because {why}")
    assert told.text(Language.ZH).startswith("设备错误: 位置未知，因为发送过原始指令: 请 HOME")
    # what the device itself says stays
    own = RobotqError("device_error", reason="echo:cold extrusion prevented")
    assert own.text(Language.ZH) == "设备错误: echo:cold extrusion prevented"


def test_reason__that_a_person_gave_is_not_taken_for_one_of_a_driver() -> None:
    args = {"actor": "ann", "reason": "not connected"}
    assert text("hold.paused", args, Language.ZH).endswith("not connected")
    assert text("hold.disconnected", {"reason": "not connected"}, Language.ZH).endswith("未连接")


def test_long_texts__take_no_time() -> None:
    assert in_chinese("{ " * 200_000).startswith("{ ")
    assert in_chinese("is in has no: " * 28) is not None
