"""What a message says of an alarm, in the language of the configuration."""

from __future__ import annotations

from collections.abc import Mapping

from robotq.engine.holds.board import HoldBoard
from robotq.engine.notify.notifier import Alarm
from robotq.engine.reads import Reads
from robotq.engine.robot.robot import Robot
from robotq.engine.upkeep.maintenance import Maintenance, words_of
from robotq.model.hold import Hold, HoldCode, WaitCode
from robotq.model.texts import TEXTS, Language, text

_LONGEST = 500


class Words:
    def __init__(
        self,
        holds: HoldBoard,
        reads: Reads,
        robots: Mapping[str, Robot],
        maintenance: Maintenance | None,
    ) -> None:
        self._maintenance = maintenance
        self._holds = holds
        self._reads = reads
        self._robots = robots

    def of(self, alarm: Alarm, language: Language) -> str:
        if alarm.code in {code.value for code in HoldCode}:
            told = self._hold(alarm, language)
        elif alarm.code == WaitCode.QUESTION:
            told = self._question(alarm, language)
        elif alarm.code == "value":
            told = self._value(alarm)
        elif alarm.code == "maintenance_due":
            told = self._due(alarm)
        else:
            told = text("notify.needs_person", {}, language)
        return (told or alarm.code)[:_LONGEST]

    def _hold(self, alarm: Alarm, language: Language) -> str:
        code = HoldCode(alarm.code)
        found: Hold | None = next(
            (
                one
                for one in self._holds.all()
                if one.code is code and alarm.queue in ("", one.robot)
            ),
            None,
        )
        if found is None:
            return ""
        args = {
            "actor": found.actor,
            "robot": found.robot,
            "task_id": found.task_id,
            "reason": "",
            **found.args,
        }
        # where no reason is given, nothing follows the colon
        said = text(f"hold.{code.value}", args, language).strip().rstrip(":").rstrip()
        clear = found.clear
        return f"{said}\n{text(clear, args, language)}" if clear in TEXTS else said

    def _question(self, alarm: Alarm, language: Language) -> str:
        if alarm.task_id is None:
            return ""
        task = self._reads.known(alarm.task_id)
        asked = None if task is None else task.waiting_for
        return "" if asked is None else text(asked.prompt, asked.args, language)

    def _due(self, alarm: Alarm) -> str:
        items = () if self._maintenance is None else self._maintenance.items()
        prefix = f"maintenance-{alarm.queue}-"
        found = (one for one in items if alarm.id.startswith(f"{prefix}{one.name}-"))
        return next((words_of(one) for one in found if one.due), "")

    def _value(self, alarm: Alarm) -> str:
        robot = self._robots.get(alarm.queue)
        looks = () if robot is None else robot.values.look()
        for look in looks:
            if alarm.id.endswith(f"-{look.name}"):
                bounds = ["" if one is None else f"{one:g}" for one in look.normal or (None, None)]
                return (
                    f"{look.name}: {look.value:g} {look.unit}".strip() + f" ({'..'.join(bounds)})"
                )
        return ""
