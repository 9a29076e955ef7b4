"""The configuration that is in force; a reload replaces it as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from robotq.catalog import Catalog, CommandSpec
from robotq.config import Config
from robotq.model.errors import RobotqError
from robotq.model.task import Task


class Settings:
    """What the parts of the engine look up at the moment they need it."""

    def __init__(self, config: Config, catalog: Catalog) -> None:
        self.config = config
        self.catalog = catalog

    def spec_of(self, task: Task) -> CommandSpec | None:
        """The spec of a task's command; None where a reload has taken it away."""
        try:
            return self.catalog.get(task.command.cmd_type)
        except RobotqError:
            return None

    def places_of(self, task: Task) -> Sequence[str]:
        """The places that a task's command goes to."""
        spec = self.spec_of(task)
        if spec is None or not spec.resources:
            return ()
        return self.catalog.places(spec, task.command.params)
