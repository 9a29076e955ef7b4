"""The fleet's numbers, as each daemon has told them last; how old that is stands beside them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from robotq.api.fleet.answers import is_away
from robotq.fleet.fleet import Fleet
from robotq.fleet.outbox import SHARED_STORE

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_OPEN = ("pending", "running")


def exposition(fleet: Fleet, waiting: int | None, stops: int | None) -> bytes:
    """`waiting` and `stops`: in the inbox, and those that stand; None where nobody knows."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Fleet(fleet, waiting, stops))
    return generate_latest(registry)


class _Fleet(Collector):
    def __init__(self, fleet: Fleet, waiting: int | None, stops: int | None) -> None:
        self._fleet = fleet
        self._waiting = waiting
        self._stops = stops

    def collect(self) -> Iterator[Metric]:
        fleet = self._fleet
        yield GaugeMetricFamily(
            "robotq_fleet_database_up",
            "1 while the database answers this daemon.",
            value=float(fleet.away is None),
        )
        if self._waiting is not None:
            yield GaugeMetricFamily(
                "robotq_fleet_inbox", "Commands that no daemon has taken yet.", value=self._waiting
            )
        if self._stops is not None:
            yield GaugeMetricFamily(
                "robotq_fleet_stops", "Emergency stops that nobody has reset.", value=self._stops
            )
        yield from self._daemons()
        yield from self._tasks()
        yield self._robots()

    def _daemons(self) -> Iterator[Metric]:
        age = _gauge("age_seconds", "Since a daemon was heard of: so old are its numbers.")
        away = _gauge("away", "1 while a daemon counts as away.")
        estop = _gauge("estop_latched", "1 while its emergency stop is latched.")
        behind = _gauge("events_behind", "Events of its journal that it has not sent.")
        isolated = _gauge("isolated", "1 where it had heard nothing from the fleet.")
        for one in self._fleet.daemons:
            name, state = [one.name], one.state
            age.add_metric(name, one.age_s)
            away.add_metric(name, float(is_away(one, self._fleet)))
            if state.get("estop") is not None:
                estop.add_metric(name, float(state["estop"]))
            if state.get("behind") is not None:
                behind.add_metric(name, float(state["behind"]))
            isolated.add_metric(name, float(state.get("isolated_since_ms") is not None))
        yield from (age, away, estop, behind, isolated)

    def _tasks(self) -> Iterator[Metric]:
        unfinished = GaugeMetricFamily(
            "robotq_fleet_tasks", "Tasks that wait or run.", labels=["daemon", "state"]
        )
        ended = CounterMetricFamily(
            "robotq_fleet_tasks_ended", "Tasks that have ended.", labels=["daemon", "state"]
        )
        known = [(one.name, one.state.get("counts", {})) for one in self._fleet.daemons]
        # every daemon that has the shared store counts the same
        shared = [one for one in self._fleet.daemons if one.state.get("shared_counts")]
        if shared:
            latest = min(shared, key=lambda one: one.age_s)
            known.append((SHARED_STORE, latest.state["shared_counts"]))
        for daemon, counts in known:
            for state, count in counts.items():
                (unfinished if state in _OPEN else ended).add_metric([daemon, state], count)
        yield from (unfinished, ended)

    def _robots(self) -> Metric:
        waiting = GaugeMetricFamily(
            "robotq_fleet_waiting", "Commands that wait for a robot.", labels=["daemon", "robot"]
        )
        for one in self._fleet.daemons:
            for looks in list(one.state.get("robots", {}).values())[:1]:
                for robot in looks:
                    waiting.add_metric([one.name, robot["robot_id"]], robot["waiting"])
        return waiting


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"robotq_fleet_{name}", text, labels=["daemon"])
