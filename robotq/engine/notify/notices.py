"""The messages of an incident, and whether anybody is told now."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from robotq.config import NotifyConfig
from robotq.engine.notify.incident import Incident, Notice
from robotq.model.texts import Language, text

HIGH, MEDIUM = "high", "medium"
_LEVELS = {HIGH: "failure", MEDIUM: "warning"}


def notices_of(
    incident: Incident,
    what: str,
    to: Iterable[str],
    *,
    language: Language,
    config: NotifyConfig,
    now_ms: int,
) -> Sequence[Notice]:
    """One to each receiver. `what`: opened, escalated or ended."""
    title = text(f"notify.{incident.event}", {}, language)
    where = incident.robot or text("notify.all_robots", {}, language)
    level = _LEVELS.get(incident.priority, "info")
    if what == "escalated":
        minutes = f"{(config.escalate_after_s or 0) / 60:.3g}"
        title = text("notify.escalated", {"title": title, "minutes": minutes}, language)
    if what == "ended":
        title, level = text("notify.ended", {"title": title}, language), "success"
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(incident.opened_ms / 1000))
    lines = [incident.words, at, incident.id]
    if incident.task_id is not None:
        lines.append(incident.task_id)
    return [
        Notice(
            name=f"{incident.subject}:{what}:{target}",
            subject=incident.subject,
            target=target,
            title=f"robotq: {where}: {title}",
            body="\n".join(lines),
            level=level,
            made_ms=now_ms,
        )
        for target in to
    ]


def is_quiet(priority: str, config: NotifyConfig, now_ms: int) -> bool:
    """In quiet hours, those of high priority are told where the configuration says so."""
    if config.quiet_from is None or config.quiet_until is None:
        return False
    if priority == HIGH and not config.quiet_high:
        return False
    now = time.strftime("%H:%M", time.localtime(now_ms / 1000))
    begins, ends = config.quiet_from, config.quiet_until
    if begins <= ends:
        return begins <= now < ends
    return now >= begins or now < ends
