"""GET /tasks.csv: the tasks of a query as a table that a spreadsheet opens, and carries nothing
out of."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from tests.api.lab import GO_HOME, PICK_UP_NOTHING, SCAN, Lab


async def table(lab: Lab, query: str = "", **how: Any) -> Sequence[dict[str, str]]:
    answer = await lab.get(f"/tasks.csv{query}", **how)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="robotq-tasks-')
    assert answer.text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


async def test_table__has_what_was_given_and_what_came_of_it(lab: Lab) -> None:
    scan = await lab.submit(SCAN)
    await lab.ended(scan)
    failed = await lab.submit(PICK_UP_NOTHING)
    await lab.ended(failed)
    rows = await table(lab, headers={"Accept-Language": "zh"})
    assert [row["task_id"] for row in rows] == [failed, scan]
    assert rows[0]["state"] == "failed"
    assert rows[0]["error_code"]
    assert "bottle_of_another_lab" in rows[0]["message"]
    assert json.loads(rows[0]["params"]) == PICK_UP_NOTHING["params"]
    assert json.loads(rows[1]["result"])["scanned_count"] == 3
    assert float(rows[1]["took_s"]) >= 0
    assert rows[1]["submitted"][-6] in "+-"
    assert [row["task_id"] for row in await table(lab, "?state=failed")] == [failed]
    assert (await lab.get("/tasks.csv?state=nonsense")).status == 400


async def test_table__nothing_in_it_is_a_formula(lab: Lab) -> None:
    """A spreadsheet carries out what begins with one of these, also behind blanks."""
    bad = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", 'plain, "quoted"\nline']
    for name in bad:
        await lab.submit({**GO_HOME, "cmd_id": name})
    rows = await table(lab)
    assert [row["cmd_id"] for row in reversed(rows)] == [f"'{name}" for name in bad[:-1]] + bad[-1:]
    for row in rows:
        assert not any(value.lstrip().startswith(("=", "+", "-", "@")) for value in row.values())


async def test_table__ends_where_it_was_told_to_and_says_how_to_go_on(lab: Lab) -> None:
    ids = [await lab.submit(GO_HOME) for _ in range(5)]
    for task_id in ids:
        await lab.ended(task_id)
    first = await table(lab, "?limit=3", headers={"Accept-Language": "en"})
    assert [row["task_id"] for row in first] == [*reversed(ids[2:]), ""]
    cursor = first[-1]["message"].rpartition("cursor=")[2]
    rest = await table(lab, f"?limit=3&cursor={cursor}")
    assert [row["task_id"] for row in rest] == list(reversed(ids[:2]))
    assert (await lab.get("/tasks.csv?limit=100001")).status == 400


async def test_table__of_more_than_a_page_is_whole(lab: Lab) -> None:
    ids = (await lab.post("/", [GO_HOME] * 250))["task_ids"]
    assert [row["task_id"] for row in await table(lab)] == list(reversed(ids))


async def test_dry_run__says_the_place_in_line_and_when(lab: Lab) -> None:
    """Number 4, about 14:20: as it would be for the command itself."""
    done = await lab.submit(GO_HOME)
    await lab.ended(done)
    await lab.asking()
    for _ in range(3):
        await lab.submit(GO_HOME)
    dry = (await lab.post("/?dry_run=1", GO_HOME))["commands"][0]
    assert dry["position"] == 4
    assert "starts_in_s" not in dry  # nobody knows how long the person takes
    high = (await lab.post("/?dry_run=1", {**GO_HOME, "priority": "high"}))["commands"][0]
    assert high["position"] == 1
    task = await lab.task(await lab.submit(GO_HOME))
    assert task["position"] == 4
    batch = (await lab.post("/?dry_run=1", [GO_HOME, GO_HOME]))["commands"]
    assert all("position" not in one for one in batch)
    assert (
        "position"
        not in (await lab.post("/?dry_run=1", {"cmd_type": "GET_BATTERY_STATE"}))["commands"][0]
    )


async def test_dry_run__while_the_queue_is_held_counts_from_its_resume(lab: Lab) -> None:
    await lab.ended(await lab.submit(GO_HOME))
    await lab.post("/queue/pause", {"reason": "lunch"})
    first = (await lab.post("/?dry_run=1", GO_HOME))["commands"][0]
    assert (first["position"], first["starts_after_resume_s"]) == (1, 0)
    await lab.submit(GO_HOME)
    second = (await lab.post("/?dry_run=1", GO_HOME))["commands"][0]
    assert second["position"] == 2
    assert second["starts_after_resume_s"] >= 0
    late = (await lab.post("/?dry_run=1", {**GO_HOME, "not_before": "+2h"}))["commands"][0]
    assert late["starts_after_resume_s"] > 7000


async def test_history__says_what_each_was_about_and_how_it_ended(lab: Lab) -> None:
    home = await lab.submit(GO_HOME)
    await lab.ended(home)
    failed = await lab.submit(PICK_UP_NOTHING)
    await lab.ended(failed)
    page = (await lab.get("/dashboard/history?limit=1", headers={"Accept-Language": "en"})).body
    assert "bottle_of_another_lab" in page["tasks"][0]["message"]
    older = (await lab.get(f"/dashboard/history?cursor={page['next_cursor']}")).body
    assert [(line["task_id"], line["about"]) for line in older["tasks"]] == [(home, "HOME")]
    assert older["next_cursor"] is None


async def test_form__knows_what_each_robot_can_do_and_where_it_can_go(lab: Lab) -> None:
    facts = (await lab.get("/dashboard/form")).body["robots"]
    assert "SPLIT_LIQUID" in facts["robot_b"]["commands"]
    assert "SPLIT_LIQUID" not in facts["robot_a"]["commands"]
    assert "RUN_GCODE" not in facts["robot_a"]["commands"]
    assert facts["robot_a"]["places"] is None  # nobody has told this lab
