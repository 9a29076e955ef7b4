"""A person at a terminal sees what a decision is about, and names it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from robotq.client import Client
from robotq.testing.daemon import Daemon

from .conftest import Typed

AWAY, HOME = ("NAVIGATION", {"area": "CHARGER"}), ("NAVIGATION", {"area": "HOME"})


@pytest.fixture
def robotq_config(tmp_path: Path) -> Mapping[str, Any]:
    """Agents have to ask; the first drive of robot_a ends in nobody knows what."""
    specs = tmp_path / "own.yaml"
    specs.write_text("commands:\n  NAVIGATION: {approval: true}\n", encoding="utf-8")
    broken = {"faults": [{"command": "NAVIGATION", "nth": 1, "kind": "raise"}]}
    return {"commands": [str(specs)], "robots.robot_a.options": broken}


@pytest.fixture
def url(robotq_daemon: Daemon) -> tuple[str, str]:
    return ("--url", robotq_daemon.url)


def test_resume__shows_the_hold_and_lifts_no_other(
    robotq_client: Client, typed: Typed, url: tuple[str, str]
) -> None:
    (seen,) = robotq_client.pause("robot_b", "cleaning the deck")
    waiting = robotq_client.submit(*HOME, robot_id="robot_b").task_id
    (newer,) = robotq_client.pause("robot_b", "a person in the cell")
    refused = typed("resume", "--hold", seen.id, *url)
    assert refused.code == 1
    # the refusal says what is there now, and the line to send
    assert f"robotq resume --hold {newer.id}" in refused.err
    assert robotq_client.task(waiting).state == "pending"

    resumed = typed("resume", "--robot", "robot_b", *url)
    assert resumed.code == 0
    assert "About: robot_b: Paused by anonymous" in resumed.out
    assert "cleaning the deck" in resumed.out
    assert newer.id in resumed.out
    assert robotq_client.wait(waiting, timeout_s=10).completed


def test_reset__shows_the_stop_and_what_starts_once_it_is_resumed(
    robotq_client: Client, typed: Typed, url: tuple[str, str]
) -> None:
    robotq_client.estop("bottle fell")
    waiting = robotq_client.submit(*HOME, robot_id="robot_b").task_id
    seen = [hold.id for hold in robotq_client.estop_state().holds]
    robotq_client.estop("a person in the cell")
    named = [word for hold in seen for word in ("--hold", hold)]
    refused = typed("estop", "--reset", *named, *url)
    assert (refused.code, "robotq estop --reset --hold" in refused.err) == (1, True)
    assert robotq_client.estop_state().latched

    reset = typed("estop", "--reset", *url)
    assert "a person in the cell" in reset.out
    assert f"Next on robot_b, once it is resumed: NAVIGATION {waiting}" in reset.out
    assert robotq_client.task(waiting).state == "pending"
    typed("estop", "--reason", "again", *url)
    assert typed("estop", "--reset", "--robot", "robot_b", *url).code == 0
    assert {hold.robot_id for hold in robotq_client.estop_state().holds} == {"robot_a"}


def test_resolve__shows_what_was_lost_stays_paused_and_says_what_is_next(
    robotq_client: Client, typed: Typed, url: tuple[str, str]
) -> None:
    lost = robotq_client.submit(*AWAY, robot_id="robot_a").task_id
    seen = robotq_client.wait(lost, timeout_s=10)
    waiting = robotq_client.submit(*HOME, robot_id="robot_a", cmd_id="after").task_id
    assert seen.revision is not None
    older = ("--revision", str(seen.revision - 1))
    stale = typed("resolve", lost, "completed", *older, *url)
    assert stale.code == 1
    assert f"robotq resolve {lost} completed --revision {seen.revision}" in stale.err

    resolved = typed("resolve", lost, "completed", "--note", "it stands there", *url)
    assert resolved.code == 0
    assert f"About: NAVIGATION {lost} (robot_a)" in resolved.out
    assert "Next on robot_a, once it is resumed: NAVIGATION after" in resolved.out
    assert robotq_client.task(waiting).state == "pending"
    resolution = robotq_client.task(lost).resolution
    assert resolution is not None
    assert (resolution["actor"], resolution["note"]) == ("Li, bench 2", "it stands there")
    # a program reads the same
    again = typed("retry", lost, "--idempotency-key", "order-1", "--then", "stay_paused", "--json")
    assert again.code == 3  # no daemon is named
    retried = typed("retry", lost, "--idempotency-key", "order-1", "--json", *url).json
    assert retried["starts_next"]["task_id"] == retried["task_id"]


def test_approve__shows_the_wish_and_the_queue_stays_paused_where_that_is_said(
    robotq_daemon: Daemon, robotq_client: Client, typed: Typed, url: tuple[str, str]
) -> None:
    agent = robotq_daemon.client(headers={"X-Robotq-Agent": "mcp"})
    first, second = (
        agent.submit(*HOME, robot_id="robot_b", cmd_id=name).task_id for name in ("one", "two")
    )
    approved = typed("approve", first, "--then", "stay_paused", "--note", "looked", *url)
    assert "About: NAVIGATION one (robot_b): Waits for approval" in approved.out
    assert "Next on robot_b, once it is resumed: NAVIGATION one" in approved.out
    assert robotq_client.task(first).state == "pending"
    seen = robotq_client.task(second).revision
    assert seen is not None
    stale = typed("approve", second, "--reject", "--revision", str(seen + 1), *url)
    assert f"robotq approve {second} --reject --revision {seen}" in stale.err
    assert typed("approve", second, "--reject", "--then", "continue", *url).code == 2
    assert typed("resume", *url).code == 0
    assert robotq_client.wait(first, timeout_s=10).completed


def test_motion__is_held_and_goes_on_by_the_hold_that_was_seen(
    robotq_client: Client, typed: Typed, url: tuple[str, str]
) -> None:
    assert typed("hold-motion", "robot_b", *url).code == 0
    (seen,) = robotq_client.robot("robot_b").holds
    robotq_client.resume_motion("robot_b")
    (newer,) = robotq_client.hold_motion("robot_b")
    refused = typed("resume-motion", "robot_b", "--hold", seen.id, *url)
    assert f"robotq resume-motion robot_b --hold {newer.id}" in refused.err
    assert robotq_client.robot("robot_b").motion_held
    resumed = typed("resume-motion", "robot_b", *url)
    assert newer.id in resumed.out
    assert not robotq_client.robot("robot_b").motion_held


def test_answer__is_for_the_question_that_is_open_and_for_no_other(
    robotq_client: Client, typed: Typed, url: tuple[str, str]
) -> None:
    asking = robotq_client.submit("MANUAL_STEP", {"title": "Close the hood"}, robot_id="robot_b")
    for event in robotq_client.events(last_event_id=0, kind="task.question"):
        assert event.task_id == asking.task_id
        break
    other = typed("answer", asking.task_id, "{}", "--question", "1", *url)
    assert other.code == 1
    assert robotq_client.task(asking.task_id).state == "running"
    answered = typed("answer", asking.task_id, "{}", *url)
    assert "About: Close the hood" in answered.out
    assert robotq_client.wait(asking.task_id, timeout_s=10).completed
