"""What a person confirms at a terminal: looked up and shown first, then named in the request."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

from robotq.cli.shared import parse
from robotq.cli.shared.display.screen import show, show_json
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.http import Caller
from robotq.cli.shared.words import say
from robotq.client import Refused, Unreachable
from robotq.model.json import JsonObject


class Then(StrEnum):
    """What the queue does afterwards."""

    CONTINUE = "continue"
    STAY_PAUSED = "stay_paused"


ThenOption = Annotated[
    Then | None,
    parse.Option("--then", help="Whether the queue goes on at once, or stays paused."),
]
Holds = Annotated[
    list[str] | None,
    parse.Option(
        "--hold",
        metavar="ID",
        help="The hold that is meant, as `robotq status` shows it; may be repeated.",
    ),
]
Note = Annotated[str, parse.Option("--note", help="Stands in the journal.")]
Revision = Annotated[
    int | None,
    parse.Option(
        "--revision", help="Of the task as you saw it; without it, as it is at this moment."
    ),
]
KeyOnce = Annotated[
    str | None,
    parse.Option("--idempotency-key", help="The same request with the same key is done once."),
]


class Confirmation:
    """One decision: shows what it is about before it is sent, and what comes of it after."""

    def __init__(self, caller: Caller, *, as_json: bool) -> None:
        self._caller = caller
        self._as_json = as_json

    def holds(self, action: str, robot: str | None, given: list[str] | None = None) -> JsonObject:
        """The ids of what is held now and cleared by `action`, or of those that were given; what
        comes later is not meant."""
        status = self._caller.get("/queue/status", limit=0)
        found = [
            hold
            for hold in status["holds"]
            if hold["clear"]["action"] == action and robot in (None, hold["robot_id"])
        ]
        for hold in found:
            if not given or hold["id"] in given:
                self._say("about.hold", **_of(hold, "robot_id", "reason", "since", "id"))
        return {"holds": given or [hold["id"] for hold in found]}

    def task(self, task_id: str, revision: int | None = None) -> JsonObject:
        """The revision of the task that is meant: the one that was given, or that it has now."""
        task = self._caller.get(f"/task/{quote(task_id, safe='')}")
        told = task.get("message") or ", ".join(wait["reason"] for wait in task.get("waits", ()))
        name = task["cmd_id"] or task["task_id"]
        told = told or task["state"]
        self._say("about.task", name=name, told=told, **_of(task, "cmd_type", "robot_id"))
        return {"revision": task["revision"] if revision is None else revision}

    def question(self, task_id: str, given: int | None) -> Mapping[str, str | float]:
        """The question that is meant: the one that was given, or that is open now."""
        if given is not None:
            return {"question": given}
        asked = (self._caller.get(f"/task/{quote(task_id, safe='')}")).get("waiting_for")
        if asked is None:
            return {}
        self._say("about.question", prompt=asked["prompt"])
        return {"question": asked["asked_at_ms"]}

    def send(
        self,
        path: str,
        body: Any,
        *,
        line: str = "",
        key: str | None = None,
        query: Mapping[str, str | float] = {},
        then: Then | None = None,
        safe: bool = False,
    ) -> None:
        """Send it and show the answer. `line` is what to type where it has changed meanwhile.
        With a `key`, and if it is `safe` to do it twice, it is sent again where its answer is
        lost."""
        headers = {} if key is None else {"Idempotency-Key": key}
        once = safe or key is not None
        try:
            answer = self._caller.post(path, body, headers, query, safe=once)
        except Unreachable as lost:
            if not lost.maybe_done or key is None:
                raise
            again = f"Repeat it with --idempotency-key {key}, and it is done once"
            raise Failure(f"{lost}. {again}.", ExitCode.NO_DAEMON) from lost
        except Refused as refusal:
            if refusal.code != "task_changed" or not line:
                raise
            again = say("about.again", line=f"{line} --revision {refusal.body['revision']}")
            raise Failure(f"{refusal.message} {again}") from refusal
        if self._as_json:
            show_json(answer)
        else:
            self._print(answer["message"])
            self._next(answer, then)
        if not answer["success"]:
            raise parse.Exit(ExitCode.FAILED)

    def _next(self, answer: JsonObject, then: Then | None) -> None:
        told = answer.get("starts_next")
        if not told:
            return
        of_task = answer.get("task", {}).get("robot_id") or answer.get("robot_id", "")
        starting = {of_task: told} if "task_id" in told else told
        held = {hold["robot_id"] for hold in answer.get("holds", ())}
        for robot, task in starting.items():
            if task is not None:
                stays = then is Then.STAY_PAUSED or robot in held
                name = task["cmd_id"] or task["task_id"]
                code = "next.held" if stays else "next"
                self._say(code, robot=robot, cmd_type=task["cmd_type"], name=name)

    def _say(self, code: str, **args: object) -> None:
        if not self._as_json:
            self._print(say(code, **args))

    def _print(self, line: str) -> None:
        show(line)


def then_of(then: Then | None) -> JsonObject:
    return {} if then is None else {"then": then.value}


def _of(view: JsonObject, *names: str) -> JsonObject:
    return {name: view[name] for name in names}
