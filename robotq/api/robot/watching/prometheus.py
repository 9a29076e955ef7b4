"""The daemon's numbers in the form that Prometheus reads. Loaded by the first `GET /metrics`."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from robotq.api.connections.open import Connections
from robotq.engine.engine import Engine
from robotq.model.carried.live_value import ValueState
from robotq.model.task import FINAL_STATES
from robotq.model.version import __version__
from robotq.system.watchdog import Watchdog

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def exposition(engine: Engine, watchdog: Watchdog | None, connections: Connections) -> bytes:
    """The numbers as they are now."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Statistics(engine, watchdog, connections))
    return generate_latest(registry)


class Statistics(Collector):
    """Reads what the parts count anyway; nothing is counted twice."""

    def __init__(self, engine: Engine, watchdog: Watchdog | None, connections: Connections) -> None:
        self._connections = connections
        self._engine = engine
        self._watchdog = watchdog

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("robotq_info", "Always 1.", labels=["version", "mode"])
        info.add_metric([__version__, self._engine.config.mode], 1)
        yield info
        yield from self._tasks()
        yield from self._robots()
        yield from self._store()
        yield from self._webhooks()
        yield from self._notifications()
        yield self._maintenance()
        yield from self._clients()
        events = self._engine.reads.event_statistics()
        yield _gauge("robotq_event_streams", "Open streams of /events.", events.listeners)
        yield _counter("robotq_event_streams_cut_off", "Streams ended as too slow.", events.cut_off)
        yield _counter("robotq_events", "Rows of the journal.", events.last_event_id)
        if self._watchdog is not None:
            loop = self._watchdog.statistics()
            yield _counter("robotq_loop_stalls", "Times the event loop stood still.", loop.stalls)
            yield _gauge(
                "robotq_loop_longest_stall_seconds",
                "The longest time that the event loop stood still.",
                loop.longest_stall_s,
            )

    def _notifications(self) -> Iterator[Metric]:
        told = self._engine.notifications
        yield _gauge(
            "robotq_notifications_pending",
            "Messages to people that are not sent yet.",
            0 if told is None else told.pending,
        )
        yield _counter(
            "robotq_notifications_sent",
            "Messages to people that a service has taken.",
            0 if told is None else told.sent,
        )
        yield _counter(
            "robotq_notifications_given_up",
            "Messages to people that no service has taken within a day.",
            0 if told is None else told.given_up,
        )

    def _maintenance(self) -> Metric:
        left = GaugeMetricFamily(
            "robotq_maintenance_left",
            "Commands, hours or days until something is due; below 0 it is overdue.",
            labels=["robot", "item", "counts"],
        )
        kept = self._engine.maintenance
        for item in () if kept is None else kept.items():
            left.add_metric([item.robot, item.name, item.counts], item.every - item.used)
        return left

    def _clients(self) -> Iterator[Metric]:
        open_ = self._connections
        yield _gauge("robotq_connections", "Open connections of clients.", len(open_))
        yield _gauge("robotq_connections_limit", "Connections that may be open.", open_.limit)
        yield _counter(
            "robotq_connections_closed", "Connections closed to make room.", open_.closed
        )
        yield _counter(
            "robotq_connections_late",
            "Connections closed because no request, or only a part of its head, came in time.",
            open_.late,
        )

    def _tasks(self) -> Iterator[Metric]:
        unfinished = GaugeMetricFamily(
            "robotq_tasks", "Tasks that wait or run.", labels=["api", "queue", "state"]
        )
        ended = CounterMetricFamily(
            "robotq_tasks_ended", "Tasks that have ended.", labels=["api", "queue", "state"]
        )
        reads = self._engine.reads
        # an end that Prometheus has never seen at 0 is no increase when it comes for the first time
        none = {("robot", name, state): 0 for name in reads.robot_queues for state in FINAL_STATES}
        for (api, queue, state), number in {**none, **reads.all_counts()}.items():
            family = ended if state.final else unfinished
            family.add_metric([api, queue, state.value], number)
        yield unfinished
        yield ended
        yield self._waiting()
        yield _gauge(
            "robotq_queue_bytes", "Memory that unfinished tasks take, roughly.", reads.weight
        )
        yield _gauge(
            "robotq_queue_limit_bytes",
            "Memory that unfinished tasks may take.",
            self._engine.config.queue.max_bytes,
        )
        yield _gauge(
            "robotq_queue_limit",
            "Tasks that may wait and run, over all robots.",
            self._engine.config.queue.max_length,
        )

    def _waiting(self) -> Metric:
        """Tasks that wait on purpose, for a time, are not late before it."""
        now_ms = self._engine.clock.now_ms()
        oldest = GaugeMetricFamily(
            "robotq_oldest_waiting_seconds",
            "How long the task waits that has waited longest and is due; 0 where none does.",
            labels=["queue"],
        )
        for name, robot_queue in self._engine.reads.robot_queues.items():
            since_ms = (max(task.submitted_at_ms, task.not_before_ms or 0) for task in robot_queue)
            waits_ms = max((now_ms - at_ms for at_ms in since_ms), default=0)
            oldest.add_metric([name], max(waits_ms, 0) / 1000)
        return oldest

    def _standing(self) -> Iterator[Metric]:
        """What `/queue/status` tells as `why`."""
        stands = GaugeMetricFamily(
            "robotq_queue_stands",
            "1 while a queue is not empty and nothing of it moves, for each reason.",
            labels=["queue", "reason"],
        )
        seconds = GaugeMetricFamily(
            "robotq_queue_stands_seconds",
            "How long this reason is there.",
            labels=["queue", "reason"],
        )
        now_ms = self._engine.clock.now_ms()
        for standing in self._engine.why.all():
            since_ms: dict[str, int] = {}
            for reason in standing.reasons:
                code = reason.code.value
                since_ms[code] = min(reason.since_ms, since_ms.get(code, now_ms))
            for code, at_ms in since_ms.items():
                stands.add_metric([standing.queue, code], 1)
                seconds.add_metric([standing.queue, code], (now_ms - at_ms) / 1000)
        yield stands
        yield seconds

    def _robots(self) -> Iterator[Metric]:
        connected = GaugeMetricFamily(
            "robotq_robot_connected", "1 while the link is up.", labels=["robot"]
        )
        for name, robot in self._engine.robots.items():
            connected.add_metric([name], robot.connected)
        yield connected
        holds = GaugeMetricFamily(
            "robotq_hold",
            "1 while this hold keeps a queue from starting.",
            labels=["robot", "code"],
        )
        for hold in self._engine.holds.all():
            holds.add_metric([hold.robot, hold.code.value], 1)
        yield holds
        yield self._motion_held()
        yield from self._values()
        yield from self._standing()
        yield _gauge("robotq_estop_latched", "1 while latched.", self._engine.estop.latched)

    def _values(self) -> Iterator[Metric]:
        """A value that is old is told as missing, never as what it is now."""
        values = GaugeMetricFamily(
            "robotq_robot_value",
            "What a robot measures; missing while it is old.",
            labels=["robot", "name", "unit"],
        )
        ages = GaugeMetricFamily(
            "robotq_robot_value_age_seconds",
            "How long ago the robot has told this value.",
            labels=["robot", "name"],
        )
        outside = GaugeMetricFamily(
            "robotq_robot_value_outside",
            "1 while a value is out of its normal range, 0 while it is not; missing while it is "
            "old or has no range.",
            labels=["robot", "name"],
        )
        for robot, known in self._engine.robots.items():
            for look in known.values.look():
                ages.add_metric([robot, look.name], look.age_s)
                if look.state is ValueState.STALE:
                    continue
                values.add_metric([robot, look.name, look.unit], look.value)
                if look.state is not ValueState.NO_RANGE:
                    outside.add_metric([robot, look.name], look.state is not ValueState.NORMAL)
        yield values
        yield ages
        yield outside

    def _motion_held(self) -> Metric:
        held = GaugeMetricFamily(
            "robotq_motion_held_seconds",
            "How long the motion has been held by now; 0 where it is not.",
            labels=["robot"],
        )
        now_ms = self._engine.clock.now_ms()
        for name, robot in self._engine.robots.items():
            hold = robot.motion.hold
            since_ms = now_ms if hold is None else hold.since_ms
            held.add_metric([name], max(now_ms - since_ms, 0) / 1000)
        return held

    def _store(self) -> Iterator[Metric]:
        store = self._engine.reads.store_statistics()
        yield _gauge(
            "robotq_store_available",
            "1 while the store takes writes.",
            self._engine.store_available,
        )
        yield _counter("robotq_store_commits", "Commits since the start.", store.commits)
        yield _counter("robotq_store_writes", "Writes that were asked for.", store.applied)
        yield _gauge("robotq_store_waiting", "Writes not answered yet.", store.waiting)
        yield _gauge(
            "robotq_store_last_commit_seconds", "Length of the last commit.", store.last_commit_s
        )

    def _webhooks(self) -> Iterator[Metric]:
        webhooks = self._engine.webhooks.statistics()
        yield _gauge(
            "robotq_webhooks_pending", "Webhooks that are not acknowledged.", webhooks.pending
        )
        yield _counter(
            "robotq_webhook_attempts", "Times that a webhook was sent.", webhooks.attempts
        )
        yield _counter(
            "robotq_webhooks_delivered", "Webhooks that were acknowledged.", webhooks.delivered
        )
        yield _counter(
            "robotq_webhooks_undelivered", "Webhooks that were given up.", webhooks.undelivered
        )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)
