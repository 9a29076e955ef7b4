"""New specs, places and limits are put into effect whole, and what was accepted stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from robotq.catalog import Catalog, CommandSpec
from robotq.config import Config, QueueConfig, RobotConfig
from robotq.model.errors import ConfigError, RobotqError
from robotq.model.task import TaskState

from .bench import CATALOG, bench_config
from .conftest import Lab, StartLab


async def reload(lab: Lab, config: Config | None = None, catalog: Catalog = CATALOG) -> None:
    config = config or bench_config(*lab.drivers)
    await lab.engine.reload(lab.engine.prepare_reload(config, catalog), actor="ann")


def other(**changes: CommandSpec) -> Catalog:
    """The bench's catalog with other specs for some commands."""
    return Catalog([changes.get(spec.cmd_type, spec) for spec in CATALOG])


async def test_specs__are_those_of_the_new_catalog(lab: Lab) -> None:
    strict = CommandSpec(cmd_type="WORK", schema={"type": "object", "required": ["speed"]})
    await reload(lab, catalog=other(WORK=strict))
    with pytest.raises(RobotqError, match="speed"):
        await lab.submit("first")
    (event,) = await lab.events("config.reloaded")
    assert event.actor == "ann"


async def test_limits__of_the_queue_count_at_once(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    await lab.submit("first")
    await reload(lab, bench_config(queue=QueueConfig(max_length=1)))
    with pytest.raises(RobotqError, match="full"):
        await lab.submit("second")


async def test_arming__that_is_demanded_no_more_takes_commands(start_lab: StartLab) -> None:
    lab = await start_lab(require_start_working=True)
    with pytest.raises(RobotqError, match="not armed"):
        await lab.submit("first")
    await reload(lab)
    assert (await lab.run("second")).state is TaskState.COMPLETED
    await reload(lab, bench_config(require_start_working=True))
    with pytest.raises(RobotqError, match="not armed"):
        await lab.submit("third")


async def test_default_robot__may_be_another_one(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    assert lab.engine.intake.read({"cmd_type": "WORK"}).robot == "robot_a"
    await reload(lab, bench_config("robot_a", "robot_b", default_robot="robot_b"))
    assert lab.engine.intake.read({"cmd_type": "WORK"}).robot == "robot_b"


@pytest.mark.parametrize(
    "config",
    [
        bench_config("robot_a", "robot_b"),
        bench_config("robot_z"),
        bench_config(robots={"robot_a": RobotConfig(driver="other")}),
    ],
)
async def test_robots__cannot_come_or_go_or_change_their_driver(lab: Lab, config: Config) -> None:
    with pytest.raises(ConfigError, match="restart"):
        lab.engine.prepare_reload(config, CATALOG)


async def test_driver__that_refuses_its_options_changes_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(options: object) -> Callable[[], None]:
        raise ConfigError("robots.robot_a.options: speed: above 0")

    monkeypatch.setattr(lab.driver, "prepare_reload", refuse)
    before = lab.engine.config
    with pytest.raises(ConfigError, match="speed"):
        lab.engine.prepare_reload(bench_config(mode="sync"), CATALOG)
    assert lab.engine.config is before


async def test_running_command__is_not_disturbed(lab: Lab) -> None:
    task_id = await lab.at_gate("first")
    await reload(lab, catalog=Catalog([spec for spec in CATALOG if spec.cmd_type != "WORK"]))
    lab.driver.gate.set()
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED
