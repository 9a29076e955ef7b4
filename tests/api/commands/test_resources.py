"""Who holds which place, and taking it from a robot that is not there."""

from __future__ import annotations

from tests.api.lab import Lab

TO_TABLE = {"cmd_type": "NAVIGATION", "params": {"area": "SCAN_TABLE"}}


async def test_resources__say_who_holds_what(lab: Lab) -> None:
    await lab.ended(await lab.submit(TO_TABLE))
    rows = {row["resource"]: row for row in (await lab.get("/resources"))["resources"]}
    assert rows["split_table"] == {
        "resource": "split_table",
        "places": ["SPLIT_TABLE"],
        "held_by": None,
    }
    held = rows["scan_table"]["held_by"]
    assert (held["robot_id"], held["state"], held["absent"]) == ("robot_a", "idle", False)
    # it says itself that it stands there
    refused = await lab.post(held["release"]["path"], held["release"]["body"])
    assert (refused.status, refused["error_code"]) == (409, "resource_in_use")
    assert (refused["holder"], refused["since_ms"]) == ("robot_a", held["since_ms"])


async def test_release__names_who_is_meant(lab: Lab) -> None:
    nobody = await lab.post("/resources/scan_table/release", {"holder": "robot_a"})
    assert (nobody.status, nobody["error_code"]) == (404, "resource_not_held")
    unnamed = await lab.post("/resources/scan_table/release", {})
    assert (unnamed.status, unnamed["field"]) == (400, "holder")
    await lab.ended(await lab.submit(TO_TABLE))
    other = await lab.post("/resources/scan_table/release", {"holder": "robot_b"})
    assert (other.status, other["error_code"]) == (409, "resource_in_use")
