"""robotq checklist and tick: what people have to do, and saying that it is done."""

from __future__ import annotations

from typing import Annotated

from rich.table import Table
from rich.text import Text

from robotq.cli.shared import parse
from robotq.cli.shared.display.show import new_console, print_json
from robotq.cli.shared.http import Caller, talk
from robotq.cli.shared.options import URL, AsJson, Key, Url
from robotq.cli.shared.words import heads
from robotq.model.json import JsonObject

_TASKS = "/apis/checklist/api/v1/tasks"
_OPEN = ("in_progress", "pending")


def checklist(
    *,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show what is to be done by people; first what a robot waits for."""
    items = talk(url, key, _open_items)
    console = new_console()
    if as_json:
        print_json(console, items)
        return
    table = Table(*heads("item", "status", "priority", "", "robot's task"), box=None)
    for item in items:
        style = "yellow" if item["status"] == "in_progress" else ""
        table.add_row(
            item["id"],
            Text(item["status"], style),
            item["priority"] or "-",
            Text(item["title"]),
            item.get("robot_task_id", ""),
        )
    console.print(table, soft_wrap=True)


def tick(
    *,
    item_id: Annotated[
        str,
        parse.Argument(metavar="ITEM_ID", help="From `robotq checklist`; its task's id does too."),
    ],
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Tick an item off. A robot that waited for it goes on."""
    console = new_console()
    if item_id.startswith("task_"):
        answer = talk(url, key, lambda caller: _tick_task(caller, item_id))
        told = str(answer["message"])
    else:
        done = {"status": "completed"}
        answer = talk(url, key, lambda caller: caller.put(f"{_TASKS}/{item_id}", done))
        told = f"✓ {answer['title']}"
    if as_json:
        print_json(console, answer)
    else:
        console.print(Text(told, "green"), soft_wrap=True)


def _tick_task(caller: Caller, task_id: str) -> JsonObject:
    """The question that is open now, and not one that comes after it."""
    asked = (caller.get(f"/task/{task_id}")).get("waiting_for")
    query = {} if asked is None else {"question": asked["asked_at_ms"]}
    answer: JsonObject = caller.post(f"/task/{task_id}/input", {}, query=query)
    return answer


def _open_items(caller: Caller) -> list[JsonObject]:
    """All pages; what is made meanwhile may be missed."""
    items: list[JsonObject] = []
    for status in _OPEN:
        number, more = 1, True
        while more:
            page = caller.get(_TASKS, page=number, status=status, sort_by="created_at", order="asc")
            items += page["items"]
            number, more = number + 1, page["has_next"]
    return items
