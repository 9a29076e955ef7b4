"""Shows tasks at work: named steps as lines and, on a terminal, a bar below them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from rich.console import Console, Group
from rich.json import JSON
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from robotq.cli.shared.display.lines import how_to_answer
from robotq.cli.shared.words import say
from robotq.model.json import JsonObject

_WIDE = 250

_MARKS = {"completed": ("✓", "green"), "failed": ("✗", "red")}


class TaskView:
    """Follows tasks, given as `GET /task/<id>` answers them, and shows what is new."""

    def __init__(self, console: Console, url: str | None = None) -> None:
        """`url` of a daemon stands in the hints on what to type."""
        self._console = console
        self._url = url
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[step]}", style="cyan"),
            console=console,
            disable=not console.is_terminal,
        )
        self._bars: dict[str, TaskID] = {}
        self._shown: set[tuple[str, object]] = set()

    @property
    def bar(self) -> Group:
        """The bar as it stands, as something to print."""
        return Group(self._bar.make_tasks_table(self._bar.tasks))

    @contextmanager
    def on_screen(self) -> Iterator[TaskView]:
        """The bar moves inside the block."""
        with self._bar:
            yield self

    def submitted(self, task_id: str) -> None:
        self._line(say("submitted", task_id=task_id), "bold")

    def update(self, task: JsonObject) -> None:
        """Show what has changed since the last look."""
        if task["state"] == "pending":
            self._show_waiting(task)
            return
        self._show_steps(task)
        self._show_bar(task)
        if task["state"] == "running":
            self._show_why(task)
            self._show_question(task)
        else:
            self._show_end(task)

    def _show_waiting(self, task: JsonObject) -> None:
        self._show_why(task)
        position = task.get("position")
        if position and position > 1 and self._is_new(task, ("position", position)):
            self._line(say("position", ahead=position - 1), "dim")

    def _show_why(self, task: JsonObject) -> None:
        """Holds and waits; the question of the task itself and its place in line have lines of
        their own."""
        for reason in task.get("why", ()):
            code = reason["code"]
            asks = code == "question" and reason["task_id"] == task["task_id"]
            if code in ("ahead", "starting") or asks:
                continue
            if not self._is_new(task, (code, reason["reason"])):
                continue
            held = reason["kind"] == "hold"
            self._line(
                say("held", robot=reason["queue"], reason=reason["reason"])
                if held
                else say("waits", cmd_type=task["cmd_type"], reason=reason["reason"]),
                "yellow",
            )
            self._line(say("clear", clear=reason["clear"]["text"]), "yellow")

    def _show_steps(self, task: JsonObject) -> None:
        for index, step in enumerate(task.get("steps", ())):
            if step["state"] != "running" and self._is_new(task, index):
                self._console.print(_step_line(step), soft_wrap=True)

    def _show_bar(self, task: JsonObject) -> None:
        task_id = task["task_id"]
        if task_id not in self._bars:
            self._bars[task_id] = self._bar.add_task(task["cmd_type"], total=1.0, step="")
        self._bar.update(
            self._bars[task_id],
            completed=1.0 if task["state"] == "completed" else task["progress"] or 0.0,
            step=task.get("current_step") or "",
        )
        if task["state"] not in ("pending", "running"):
            self._bar.stop_task(self._bars[task_id])

    def _show_question(self, task: JsonObject) -> None:
        question = task.get("waiting_for")
        if question and self._is_new(task, ("question", question["deadline_ms"])):
            self._line(say("asks", prompt=question["prompt"]), "yellow")
            if self._url is not None:
                self._line(how_to_answer(task, self._url), "yellow")

    def _show_end(self, task: JsonObject) -> None:
        if self._is_new(task, "end"):
            text = say(
                task["state"],
                cmd_type=task["cmd_type"],
                message=task["message"],
                seconds=f"{wall_seconds(task):.1f}",
            )
            self._line(text, "bold green" if task["state"] == "completed" else "bold red")

    def _is_new(self, task: JsonObject, what: object) -> bool:
        key = (str(task["task_id"]), what)
        if key in self._shown:
            return False
        self._shown.add(key)
        return True

    def _line(self, text: str, style: str) -> None:
        self._console.print(Text(text, style), soft_wrap=True)


def new_console(*, stderr: bool = False) -> Console:
    """The screen; whatever is no terminal is wide enough that no line is broken."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _WIDE)


def print_json(console: Console, value: Any) -> None:
    """JSON, coloured on a terminal; elsewhere exactly what a program can read."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    if console.is_terminal:
        console.print(JSON(text, ensure_ascii=False), soft_wrap=True)
    else:
        console.print(Text(text), soft_wrap=True)


def wall_seconds(task: JsonObject) -> float:
    """Wall seconds that a task has been at work; 0 for one that never was."""
    if task["started_at_ms"] is None or task["ended_at_ms"] is None:
        return 0.0
    return float(task["ended_at_ms"] - task["started_at_ms"]) / 1000


def _step_line(step: Mapping[str, Any]) -> Text:
    mark, style = _MARKS[step["state"]]
    line = Text(f"  {mark} ", style)
    line.append(f"{step['name']:<24}", "default")
    seconds = step["duration_s"]
    line.append(f"{seconds:7.1f} s" if seconds is not None else f"{'-':>7}  ", "cyan")
    detail = "  ".join(f"{key}={value}" for key, value in step["detail"].items())
    if detail:
        line.append(f"   {detail}", "dim")
    return line
