"""The ready dashboard and alarms speak of metrics that the daemon has."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.make import metrics
from robotq.model.hold import HoldCode

from .promtool import promtool

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "config" / "monitoring"
STORIES = ROOT / "tests" / "alerts_test.yml"
ALERTS = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))
RULES = {rule["alert"]: rule for group in ALERTS["groups"] for rule in group["rules"]}

FROM_PROMETHEUS = {"instance", "job"}
"""Labels that every metric gets when it is scraped."""


@pytest.fixture(scope="module")
def known() -> Mapping[str, set[str]]:
    """Metric -> its labels, as a daemon has them."""
    rows = re.findall(r"^\| `(\w+)` \| \w+ \| ([^|]*) \|", metrics.page(), re.MULTILINE)
    return {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}


def queries() -> list[str]:
    of_panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return [rule["expr"] for rule in RULES.values()] + of_panels


@pytest.mark.parametrize("query", queries())
def test_query__names_what_the_daemon_has(query: str, known: Mapping[str, set[str]]) -> None:
    selectors = re.findall(r"\b(robotq_\w+)(?:\{([^}]*)\})?", query)
    assert selectors or query.startswith("up{")
    for name, chosen in selectors:
        assert name in known
        labels = set(re.findall(r"(\w+)\s*[=!]", chosen))
        assert labels <= known[name] | FROM_PROMETHEUS
    names = {name for name, _ in selectors}
    grouped = re.findall(r"by \(([^)]*)\)", query)
    for label in (part.strip() for group in grouped for part in group.split(",")):
        assert label in FROM_PROMETHEUS or any(label in known[name] for name in names)
    assert query.count("(") == query.count(")")


def test_alerts__tell_of_what_a_person_has_to_do() -> None:
    assert {
        "RobotqRobotHeld",
        "RobotqQueueStands",
        "RobotqQueueOld",
        "RobotqFailureRate",
    } <= RULES.keys()
    for rule in RULES.values():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]
    codes = re.search(r'code=~"([^"]+)"', RULES["RobotqRobotNeedsPerson"]["expr"])
    assert codes is not None
    assert set(codes[1].split("|")) <= set(HoldCode)


@pytest.mark.slow
def test_alerts__come_when_they_should_and_not_otherwise() -> None:
    promtool("check", "config", str(FOLDER / "prometheus.yml"))
    promtool("test", "rules", str(STORIES))
    stories = yaml.safe_load(STORIES.read_text(encoding="utf-8"))["tests"]
    cases = [case for story in stories for case in story["alert_rule_test"]]
    for expected in (True, False):
        told = {case["alertname"] for case in cases if bool(case.get("exp_alerts")) == expected}
        assert told == RULES.keys()


def test_dashboard__asks_in_the_language_of_prometheus(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$instance", ".+")}
        for number, query in enumerate(queries())
    ]
    assert not re.search(r"\$", "".join(str(rule["expr"]) for rule in rules))
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
    promtool("check", "rules", str(file))


def test_alerts__each_is_on_the_operations_page() -> None:
    page = (ROOT / "docs" / "guides" / "operations.md").read_text(encoding="utf-8")
    assert "config/monitoring" in page


def test_dashboard__fits_into_grafana() -> None:
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
