"""A client sees how long its command still takes, once such commands have been seen."""

from __future__ import annotations

import pytest

from tests.api.conftest import StartLab


async def test_eta__is_told_from_earlier_runs(start_lab: StartLab) -> None:
    lab = await start_lab()
    home = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
    first = await lab.submit(home)
    unknown = await lab.task(first)
    assert "eta" not in unknown or unknown["progress"], "nothing but its own progress tells"
    await lab.ended(first)
    await lab.post("/queue/pause")
    waiting = await lab.submit(home)
    behind = await lab.submit(home)
    one, two = await lab.task(waiting), await lab.task(behind)
    assert (one["position"], one["starts_after_resume_s"]) == (1, 0.0)
    assert two["position"] == 2
    assert two["starts_after_resume_s"] >= 0.0
    for task in (one, two):
        assert not {"starts_in_s", "eta", "eta_ms"} & task.keys(), "nobody knows who resumes when"
    lines = (await lab.get("/dashboard/queue?robot_id=robot_a"))["tasks"]
    assert [line.get("starts_after_resume_s") for line in lines] == [
        one["starts_after_resume_s"],
        two["starts_after_resume_s"],
    ]
    assert not any("eta_ms" in line or "starts_in_s" in line for line in lines)


async def test_eta__of_one_behind_a_task_of_later_is_now(start_lab: StartLab) -> None:
    lab = await start_lab()
    home = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
    await lab.ended(await lab.submit(home))
    later = await lab.submit({**home, "not_before": "+2h"})
    task = await lab.task(later)
    assert task["starts_in_s"] == pytest.approx(7_200, abs=60)
    asking = await lab.asking()
    behind = await lab.submit(home)
    assert "eta" not in await lab.task(behind), "nobody knows when the person answers"
    await lab.post(f"/task/{asking}/input", {})
    await lab.ended(behind)
