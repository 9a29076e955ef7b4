"""reference/metrics.md: every metric, as a daemon with the packaged lab reports it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence

from prometheus_client.core import Metric

from docs.make.markdown import code, table
from robotq.api.connections.open import Connections
from robotq.api.robot.watching.prometheus import Statistics
from robotq.catalog import load_catalog
from robotq.config import load_config
from robotq.drivers import simulator
from robotq.engine.start import start_engine
from robotq.store.memory import MemoryStore
from robotq.system.clocks import SystemClock
from robotq.system.watchdog import Watchdog

_HEAD = """# Reference: metrics

What `GET /metrics` tells Prometheus. [Operations](../guides/operations.md#what-to-watch) says which
of
them to watch.

"""


def page() -> str:
    rows = [
        (code(_name(metric)), metric.type, ", ".join(map(code, _labels(metric))),
         metric.documentation)
        for metric in asyncio.run(_metrics())
    ]  # fmt: skip
    return _HEAD + table(("metric", "type", "labels", ""), sorted(rows))


async def _metrics() -> Sequence[Metric]:
    with tempfile.TemporaryDirectory() as folder:
        config = await asyncio.to_thread(
            load_config, None, {}, {"data": folder, "store": "memory", "time_scale": 0}
        )
        catalog = await asyncio.to_thread(load_catalog, [])
        drivers = {"simulator": simulator.create}
        engine = await start_engine(config, catalog, MemoryStore(), drivers)
        try:
            return list(
                Statistics(engine, Watchdog(SystemClock()), Connections(lambda: 0)).collect()
            )
        finally:
            await engine.shut_down()


def _name(metric: Metric) -> str:
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


def _labels(metric: Metric) -> Sequence[str]:
    # known also where there is no sample at the moment
    names: Sequence[str] = getattr(metric, "_labelnames", ())
    return names
