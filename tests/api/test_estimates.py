"""A client sees how long its command still takes, once such commands have been seen."""

from __future__ import annotations

from .conftest import StartLab


async def test_eta__is_told_from_earlier_runs(start_lab: StartLab) -> None:
    lab = await start_lab()
    home = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
    first = await lab.submit(home)
    unknown = await lab.task(first)
    assert "eta" not in unknown or unknown["state"] == "completed"
    await lab.ended(first)
    await lab.post("/queue/pause")
    waiting = await lab.submit(home)
    behind = await lab.submit(home)
    one, two = await lab.task(waiting), await lab.task(behind)
    assert (one["position"], one["starts_in_s"]) == (1, 0.0)
    assert two["position"] == 2
    assert two["eta_ms"] >= one["eta_ms"] >= one["submitted_at_ms"]
