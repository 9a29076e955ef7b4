"""What an agent sees and does, and what is left to people."""

from __future__ import annotations

import asyncio

import pytest

from robotq.api.root import ROUTES
from robotq.client import Client
from robotq.mcp.tools import TOOLS, Tool, shortened
from robotq.testing.daemon import Daemon

from .conftest import Agent, StartAgent

READ = {
    "queue_status", "get_task", "list_tasks", "list_robots", "get_robot", "list_commands",
    "get_command", "list_resources", "list_events", "health", "check_command",
}  # fmt: skip
WRITE = {"submit_command", "cancel_task", "move_task", "pause_queue", "emergency_stop"}
GO_HOME = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}


async def done(agent: Agent, task_id: str) -> str:
    task = await agent.call("get_task", task_id=task_id, wait=10)
    state: str = task["state"]
    return state


@pytest.mark.slow
async def test_agent__only_looks_unless_it_is_allowed_more(
    start_agent: StartAgent, robotq_client: Client
) -> None:
    async with start_agent(here=True) as agent:
        tools = await agent.tools()
        assert set(tools) == READ
        assert all(tool.annotations.read_only_hint for tool in tools.values())
        assert "only looks" in (agent.client.instructions or "")
        refused = await agent.refused("submit_command", **GO_HOME)
        assert "no tool submit_command" in refused["message"]

        status = await agent.call("queue_status")
        assert set(status["robots"]) == {"robot_a", "robot_b"}
        assert (await agent.call("health"))["status"] == "ok"
        names = [robot["robot_id"] for robot in (await agent.call("list_robots"))["robots"]]
        assert names == ["robot_a", "robot_b"]
        assert (await agent.call("get_robot", robot_id="robot_b"))["connected"]
        commands = (await agent.call("list_commands"))["commands"]
        assert set(commands[0]) == {"cmd_type", "kind", "title", "approval", "robots"}
        assert {one["cmd_type"] for one in commands if one["approval"]} == {"POUR", "START_WORKING"}
        scan = await agent.call("get_command", cmd_type="SCAN_QRCODE")
        assert scan["schema"]["properties"]
        checked = await agent.call("check_command", **GO_HOME)
        assert checked["dry_run"]
        task = await asyncio.to_thread(robotq_client.run, GO_HOME)
        assert (await agent.call("get_task", task_id=task.task_id))["state"] == "completed"
        (line,) = (await agent.call("list_tasks", state="completed", limit=5))["tasks"]
        assert line["task_id"] == task.task_id
        events = (await agent.call("list_events", task_id=task.task_id))["events"]
        assert events[0]["kind"] == "task.submitted"


@pytest.mark.slow
async def test_agent__submits_and_sees_the_end(
    start_agent: StartAgent, robotq_daemon: Daemon, robotq_client: Client
) -> None:
    async with start_agent("--allow-control", here=True) as agent:
        assert set(await agent.tools()) == READ | WRITE
        command = {"cmd_type": "NAVIGATION", "params": {"area": "SPLIT_TABLE"}, "cmd_id": "a1"}
        accepted = await agent.call("submit_command", **command)
        assert await done(agent, accepted["task_id"]) == "completed"
        again = await agent.call(
            "submit_command", **command, idempotency_key=accepted["idempotency_key"]
        )
        assert again["task_id"] == accepted["task_id"]
        assert (await agent.call("submit_command", cmd_type="GET_BATTERY_STATE"))["simulated"]
        await agent.call("pause_queue", reason="thinking")
        waiting = await agent.call("submit_command", **GO_HOME)
        assert [hold["code"] for hold in waiting["task"]["holds"]] == ["paused"]
        moved = await agent.call("move_task", task_id=waiting["task_id"], robot_id="robot_b")
        assert (moved["robot_id"], moved["task_ids"]) == ("robot_b", [waiting["task_id"]])
        await agent.call("move_task", task_id=waiting["task_id"], robot_id="robot_a")
        (table,) = (
            one
            for one in (await agent.call("list_resources"))["resources"]
            if one["resource"] == "split_table"
        )
        assert table["held_by"]["robot_id"] == "robot_a"
        cancelled = await agent.call("cancel_task", task_id=waiting["task_id"], reason="no need")
        assert cancelled["task"]["state"] == "cancelled"
        assert (await agent.call("emergency_stop", reason="smoke"))["latched"]
    motions = await asyncio.to_thread(robotq_daemon.motions)
    assert {motion["task_id"] for motion in motions} == {accepted["task_id"]}
    task = await asyncio.to_thread(robotq_client.task, accepted["task_id"])
    assert task.actor == "agent"


@pytest.mark.slow
async def test_agent__waits_for_a_person_where_the_command_says_so(
    start_agent: StartAgent, robotq_client: Client
) -> None:
    async with start_agent("--allow-control") as agent:
        pour = await agent.call("submit_command", cmd_type="POUR", params={"area": "HOME"})
        (wait,) = pour["task"]["waits"]
        assert wait["code"] == "approval"
        assert wait["clear"]["path"] == f"/task/{pour['task_id']}/approve"
        # a wait of this task and no hold of the queue
        home = await agent.call("submit_command", **GO_HOME)
        assert await done(agent, home["task_id"]) == "completed"
        (line,) = (await agent.call("list_tasks", state="pending"))["tasks"]
        assert line["awaits_approval"]

        approved = await asyncio.to_thread(robotq_client.approve, pour["task_id"], "go on")
        assert not approved.waits
        refused = await agent.refused("submit_command", cmd_type="START_WORKING")
        assert refused["error_code"] == "person_needed"


async def test_agent__is_told_what_is_wrong(start_agent: StartAgent) -> None:
    async with start_agent("--allow-control", here=True) as agent:
        refused = await agent.refused("submit_command", cmd_type="NAVIGATE")
        assert refused["error_code"] == "unknown_command"
        assert refused["suggestions"]
        refused = await agent.refused("submit_command", **GO_HOME, speed=3)
        assert "speed is none of cmd_type, " in refused["message"]
        refused = await agent.refused("get_task")
        assert refused["message"] == "task_id is missing"
        # a part of a path is a name and nothing else
        refused = await agent.refused("get_task", task_id="../queue/status")
        assert refused["error_code"] in ("task_not_found", "not_found")
        refused = await agent.refused("get_task", task_id="task_1", wait=900)
        assert refused["error_code"] == "bad_parameter"


async def test_agent__is_told_that_nobody_answers(start_agent: StartAgent) -> None:
    async with start_agent(here=True, url="http://127.0.0.1:1", retry_s=0.2) as agent:
        refused = await agent.refused("queue_status")
        assert "did not reach the daemon" in refused["message"]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_tool__follows_its_route(tool: Tool) -> None:
    assert tool.route in ROUTES
    schema = tool.input_schema
    assert set(schema["required"]) <= set(schema["properties"])
    assert tool.route.summary in tool.description
    assert tool.changes or not tool.route.changes or tool.fixed == {"dry_run": "true"}


def test_shortened__says_what_is_missing() -> None:
    long = {"steps": [{"name": str(number)} for number in range(1_000)], "few": [1, 2]}
    short = shortened(long)
    assert short["few"] == [1, 2]
    assert len(short["steps"]) == 101
    assert short["steps"][-1] == "... and 900 more"
