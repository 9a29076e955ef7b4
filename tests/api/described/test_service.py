"""The daemon itself: home, commands, health, metrics, reload, and every route's own promises."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import NoReturn

import pytest

from robotq.api.access.keys import KeyFile
from robotq.api.access.scopes import Scope
from robotq.api.robot.description import site_schemas
from robotq.api.robot.models.tasks import AnswerBody
from robotq.api.root import ROUTES
from robotq.catalog import Catalog, load_catalog
from robotq.checks.written import examine
from robotq.config import Config, load_config
from robotq.drivers.brought import commands_of
from robotq.engine.state.known_robots import NOBODY_KNOWS, KnownRobots
from robotq.model.errors import ERROR_CODES, ConfigError, RobotqError
from robotq.model.hold import HoldCode
from tests.api.conftest import StartLab
from tests.api.lab import GO_HOME, Lab
from tests.promtool import promtool

ROOT = Path(__file__).parents[3]


async def test_home__tells_that_it_runs_and_where_to_go_on(lab: Lab) -> None:
    home = (await lab.get("/")).body
    assert home["status"] == "running"
    assert home["message"] == "Robot Control HTTP Server is running"
    assert home["queue_mode"] is True
    for path in home["links"].values():
        assert any(route.path == path for route in ROUTES)


async def test_commands__each_example_would_be_taken(lab: Lab) -> None:
    commands = (await lab.get("/commands")).body["commands"]
    assert {"SCAN_QRCODE", "GET_BATTERY_STATE", "START_WORKING"} <= {
        command["cmd_type"] for command in commands
    }
    for command in commands:
        one = await lab.get(f"/commands/{command['cmd_type']}")
        assert one.body == command
        if command["example"] is not None:
            answer = await lab.post("/?dry_run=1", command["example"])
            assert answer.status == 200, answer.text


async def test_commands__an_unknown_one_is_1004(lab: Lab) -> None:
    answer = await lab.get("/commands/FLY")
    assert (answer.status, answer["code"]) == (400, 1004)


async def test_health__shows_what_an_operator_asks_for(lab: Lab) -> None:
    health = (await lab.get("/health")).body
    assert health["status"] == "ok"
    assert health["store"]["kind"] == "memory"
    assert health["store"]["available"] is True
    assert health["robots"]["robot_a"] == {"connected": True, "simulated": True, "holds": []}
    assert health["queue_limit"] == 10_000


async def test_health__a_robot_without_a_link_is_degraded(lab: Lab) -> None:
    lab.engine.robots["robot_b"].link.connected = False
    assert (await lab.get("/health")).body["status"] == "degraded"


async def test_health__a_daemon_that_accepts_nothing_is_unavailable(lab: Lab) -> None:
    lab.engine.queue.close()
    answer = await lab.get("/health")
    assert (answer.status, answer["status"]) == (503, "unavailable")
    refused = await lab.post("/", GO_HOME)
    assert (refused.status, refused["error_code"]) == (503, "shutting_down")


async def test_metrics__count_what_happened(lab: Lab) -> None:
    await lab.ended(await lab.submit(GO_HOME))
    await lab.asking()
    await lab.post("/queue/pause", {"robot_id": "robot_b"})
    answer = await lab.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    for line in (
        'robotq_tasks_ended_total{api="robot",queue="robot_a",state="completed"} 1.0',
        'robotq_tasks{api="robot",queue="robot_a",state="running"} 1.0',
        'robotq_hold{code="paused",robot="robot_b"} 1.0',
        'robotq_robot_connected{robot="robot_a"} 1.0',
        "robotq_estop_latched 0.0",
        "robotq_store_available 1.0",
        "robotq_queue_limit 10000.0",
    ):
        assert line in lines
    for line in lines:
        assert re.match(r"# (HELP|TYPE) robotq_|robotq_", line), line


async def test_metrics__are_found_right_by_prometheus(lab: Lab) -> None:
    text = (await lab.get("/metrics")).text
    for state in ("completed", "failed", "cancelled"):
        # an end that was never seen at 0 is no increase when it comes for the first time
        line = f'robotq_tasks_ended_total{{api="robot",queue="robot_a",state="{state}"}} 0.0'
        assert line in text.splitlines()
    await lab.ended(await lab.submit(GO_HOME))
    await lab.asking()
    await lab.post("/queue/pause", {"robot_id": "robot_b"})
    text = (await lab.get("/metrics")).text
    assert await asyncio.to_thread(promtool, "check", "metrics", text=text) == ""


async def test_reload__is_done_for_whoever_asks(lab: Lab) -> None:
    engine = lab.engine
    engine._parts.reloading._read_again = lambda: (engine.config, engine.catalog, NOBODY_KNOWS)
    assert (await lab.post("/reload")).body["success"] is True
    (event,) = await engine.reads.events(engine.reads.last_event_id - 1, limit=1)
    assert (event.kind, event.actor) == ("config.reloaded", "anonymous")


async def test_reload__says_which_waiting_commands_no_longer_fit(lab: Lab) -> None:
    def read() -> tuple[Config, Catalog, KnownRobots]:
        fewer = Catalog([spec for spec in lab.engine.catalog if spec.cmd_type != "NAVIGATION"])
        return lab.engine.config, fewer, NOBODY_KNOWS

    lab.engine._parts.reloading._read_again = read
    await lab.post("/queue/pause", {"robot_id": "robot_a"})
    first = await lab.submit(GO_HOME)
    await lab.submit(GO_HOME)
    told = (await lab.post("/reload")).body
    assert "2 " in told["message"]
    assert told["does_not_fit"]["count"] == 2
    misfit = told["does_not_fit"]["tasks"][0]
    assert (misfit["task_id"], misfit["error_code"]) == (first, "unknown_command")
    assert "NAVIGATION" in misfit["reason"]
    (wait,) = (await lab.task(first))["waits"]
    assert (wait["code"], wait["clear"]["path"]) == ("does_not_fit", f"/task/{first}/cancel")
    async with asyncio.timeout(5):
        # its executor sets it
        while not lab.engine.holds.has("robot_a", HoldCode.DOES_NOT_FIT):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    holds = (await lab.get("/queue/status")).body["holds"]
    (hold,) = [one for one in holds if one["code"] == "does_not_fit"]
    assert (hold["task_id"], hold["clear"]["action"]) == (first, "cancel")
    assert (await lab.post(hold["clear"]["path"], hold["clear"]["body"])).status == 200


@pytest.mark.parametrize(("path", "body"), [("/reload", None), ("/", {"cmd_type": "RESET_SYSTEM"})])
async def test_reload__a_wrong_configuration_is_told_whole(
    lab: Lab, path: str, body: dict[str, str] | None
) -> None:
    def read() -> NoReturn:
        raise ConfigError("robotq.yaml:3: port: found 99999, expected at most 65535")

    lab.engine._parts.reloading._read_again = read
    answer = await lab.post(path, body)
    assert (answer.status, answer["field"]) == (400, "configuration")
    assert "robotq.yaml:3: port" in answer["message"]


async def test_reload__without_a_file_is_refused(lab: Lab) -> None:
    lab.engine._parts.reloading._read_again = None
    assert (await lab.post("/reload")).body["field"] == "configuration"


async def test_head_and_options__say_what_a_path_takes(lab: Lab) -> None:
    head = await lab.ask("HEAD", "/queue/status")
    assert (head.status, head.text) == (200, "")
    options = await lab.ask("OPTIONS", "/task/x/cancel")
    assert (options.status, options.headers["Allow"]) == (204, "OPTIONS, POST")
    assert not [name for name in options.headers if name.startswith("Access-Control")]
    assert (await lab.ask("OPTIONS", "/nowhere")).status == 404


async def test_fault__is_told_with_a_reference_that_the_log_has(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a secret of the daemon")

    monkeypatch.setattr(lab.engine._parts.base.memory, "running", broken)
    answer = await lab.get("/queue/status")
    assert (answer.status, answer["code"]) == (500, 5000)
    assert "secret" not in answer.text
    assert answer["reference"] in caplog.text
    assert "a secret of the daemon" in caplog.text


def test_route__has_a_scope_and_what_the_docs_need() -> None:
    for route in ROUTES:
        assert isinstance(route.scope, Scope), route.path
        if route.changes:
            assert route.scope not in (Scope.OPEN, Scope.READ), route.path
        else:
            assert route.scope in (Scope.OPEN, Scope.READ), route.path
        assert route.summary.endswith("."), route.path
        assert set(route.errors) <= set(ERROR_CODES), route.path
        for model in (route.query, route.request):
            if model not in (None, AnswerBody):
                assert model.model_json_schema()["title"]


def test_route__only_health_and_files_of_pages_are_open() -> None:
    opened = {route.path for route in ROUTES if route.scope is Scope.OPEN}
    files = {"/docs", "/docs/{file}", "/dashboard", "/dashboard/files/{room}/{file}"}
    assert opened == {"/health", *files}


def test_errors__every_code_has_one_number_and_a_text_in_both_languages() -> None:
    numbers = [row.number for row in ERROR_CODES.values()]
    assert len(numbers) == len(set(numbers))
    for row in ERROR_CODES.values():
        assert row.zh
        assert row.en
        assert RobotqError(row.name).code is row


BROWSER = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
}


async def test_root__leads_a_browser_to_the_dashboard_and_programs_get_what_they_got(
    lab: Lab,
) -> None:
    led = await lab.get("/", headers=BROWSER, allow_redirects=False)
    assert (led.status, led.headers["Location"]) == (302, "dashboard")
    shown = await lab.get("/", headers=BROWSER)
    assert shown.text.startswith("<!doctype html>")
    java = {"Accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}
    for headers in (
        {},
        {"Accept": "*/*"},
        {"Accept": "application/json, text/plain, */*"},
        {**java, "User-Agent": "Java/17.0.9"},
    ):
        assert (await lab.get("/", headers=headers)).body["status"] == "running"
    # what is sent is never led elsewhere
    assert (await lab.post("/", GO_HOME, headers=BROWSER)).status == 200


async def test_root__leads_a_browser_without_its_key_to_the_page_that_asks_for_it(
    start_lab: StartLab, tmp_path: Path
) -> None:
    await asyncio.to_thread(lambda: KeyFile(tmp_path).new("wall", ("read",)))
    lab = await start_lab()
    assert (await lab.get("/", headers=BROWSER, allow_redirects=False)).status == 302
    assert (await lab.get("/")).status == 401
    assert (await lab.post("/", GO_HOME, headers=BROWSER)).status == 401


async def test_curl__gets_a_line_end_behind_json_and_nobody_else(lab: Lab) -> None:
    curl = {"User-Agent": "curl/8.5.0", "Accept": "*/*"}
    for path in ("/", "/queue/status", "/task/none", "/none"):
        typed = await lab.get(path, headers=curl)
        assert typed.text.endswith("}\n")
        assert int(typed.headers["Content-Length"]) == len(typed.text.encode())
        assert (await lab.get(path)).text.endswith("}")
    page = (await lab.get("/dashboard")).text
    assert (await lab.get("/dashboard", headers=curl)).text == page
    metrics = await lab.get("/metrics", headers=curl)
    assert not metrics.text.endswith("\n\n")


def test_commands__of_the_packaged_lab_are_of_no_use_to_a_gantry() -> None:
    config = load_config(ROOT / "config" / "grbl-gantry.yaml", {}, {})
    catalog = load_catalog(config.commands, commands_of(config.robots))
    known = examine(config, catalog).known
    offered = {spec.cmd_type: able for spec, able in known.offered(catalog, {"gantry": False})}
    assert {"HOME", "MOVE", "RUN_GCODE", "MANUAL_STEP", "GET_ROBOT_MOTION_STATE"} <= set(offered)
    assert not {"NAVIGATION", "SPLIT_LIQUID", "GET_BATTERY_STATE", "BOTTLE_GET"} & set(offered)
    lab = known.offered(catalog, {"gantry": False, "robot_a": True})
    assert {spec.cmd_type: able for spec, able in lab}["NAVIGATION"] == ("robot_a",)
    specs = [spec for spec, _ in known.offered(catalog, {"gantry": False})]
    schemas = site_schemas(catalog, ("gantry",), batch=9, offered=specs)
    assert "NAVIGATION" not in schemas["CmdType"]["enum"]
