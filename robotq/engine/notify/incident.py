"""What people are told of: an incident opens, is told once, and closes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from robotq.model.hold import HoldCode, WaitCode
from robotq.model.json import JsonObject
from robotq.store.port import SetFact

EVENTS: Mapping[str, str] = {
    HoldCode.ESTOP: "estop",
    HoldCode.OUTCOME_UNKNOWN: "outcome_unknown",
    HoldCode.DISCONNECTED: "disconnected",
    HoldCode.FAILURE: "failed",
    HoldCode.UNRESPONSIVE: "needs_person",
    HoldCode.STORE_UNAVAILABLE: "needs_person",
    HoldCode.MOTION_HELD: "needs_person",
    HoldCode.SHUTDOWN: "needs_person",
    HoldCode.DOES_NOT_FIT: "needs_person",
    HoldCode.NOT_CONFIGURED: "needs_person",
    HoldCode.RESTARTED: "needs_person",
    WaitCode.QUESTION: "needs_person",
    WaitCode.RESOURCE: "needs_person",
    WaitCode.APPROVAL: "needs_person",
    WaitCode.FOLDER: "needs_person",
    "value": "value",
    "maintenance_due": "maintenance",
}
"""Code of an alarm -> the event of `notify.events`. Of others nobody is told: a queue that somebody
has paused is no news to anybody."""

ONE_OF_ROBOT = frozenset({WaitCode.APPROVAL, WaitCode.RESOURCE, WaitCode.FOLDER})
"""Many of these can stand at once; the first one of a robot is the news."""

_BY_ID = frozenset({"value", "maintenance_due"})
"""Their alarms have one id for as long as there is the value, or what is to be maintained."""

_INCIDENT, _NOTICE = "incident:", "notice:"


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    subject: str
    """What it is about. One incident of each is open at a time."""
    id: str
    event: str
    code: str
    """Of its alarm; failed for a command that has failed."""
    priority: str
    robot: str
    """Empty for all of them."""
    task_id: str | None
    opened_ms: int
    words: str
    """Why, in the language of the configuration."""
    told_ms: int | None = None
    """None while quiet hours last."""
    escalated: bool = False
    acknowledged_by: str | None = None

    @property
    def saved(self) -> SetFact:
        return SetFact(_INCIDENT + self.subject, msgspec.to_builtins(self))

    @property
    def forgotten(self) -> SetFact:
        return SetFact(_INCIDENT + self.subject, None)


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one receiver, until it is sent."""

    name: str
    subject: str
    target: str
    """A digest of the receiver's URL, which may hold a secret and is nowhere on disk."""
    title: str
    body: str
    level: str
    """As apprise calls it: failure, warning, info, success."""
    made_ms: int

    @property
    def saved(self) -> SetFact:
        return SetFact(_NOTICE + self.name, msgspec.to_builtins(self))

    @property
    def forgotten(self) -> SetFact:
        return SetFact(_NOTICE + self.name, None)


def restored(
    facts: Mapping[str, JsonObject],
) -> tuple[dict[str, Incident], dict[str, Notice]]:
    """Those that the run before has left: incidents by subject, notices by name."""

    def kept(prefix: str, kind: Any) -> list[Any]:
        found = (value for name, value in facts.items() if name.startswith(prefix))
        return [msgspec.convert(value, kind) for value in found]

    return (
        {each.subject: each for each in kept(_INCIDENT, Incident)},
        {each.name: each for each in kept(_NOTICE, Notice)},
    )


def subject_of(alarm_id: str, code: str, robot: str, task_id: str | None) -> str:
    """The same for as long as the cause is the same, whatever it says of itself meanwhile: a link
    that is looked for again and again is lost once."""
    if code in (HoldCode.ESTOP, HoldCode.STORE_UNAVAILABLE):
        return str(code)
    if code in _BY_ID:
        return f"{EVENTS[code]}/{robot}/{alarm_id}"
    about = "" if code in ONE_OF_ROBOT or task_id is None else f"/{task_id}"
    return f"{EVENTS.get(code, code)}/{robot}/{code}{about}"
