"""The configuration that is in force; a reload replaces it as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from robotq.catalog import Catalog, CommandSpec
from robotq.config import Config
from robotq.engine.signals import Signals
from robotq.engine.state.known_robots import NOBODY_KNOWS, KnownRobots
from robotq.engine.timings import Timings
from robotq.model.task import Task


class Settings:
    """What the parts of the engine look up at the moment they need it."""

    def __init__(
        self,
        config: Config,
        catalog: Catalog,
        known: KnownRobots = NOBODY_KNOWS,
        signals: Signals | None = None,
        *,
        timings: Timings = Timings(),  # noqa: B008 - it never changes
    ) -> None:
        """`signals`: where to tell that another configuration is in force; None for those that
        are only looked at."""
        self.config = config
        """What is in force right now. Others give a new one with `put`."""
        self._signals = signals
        self.catalog = catalog
        self.known = known
        self.timings = timings

    def put(self, config: Config) -> None:
        """From now on this is in force."""
        self.config = config
        if self._signals is not None:
            self._signals.settings_changed.tell()

    def replace(self, config: Config, catalog: Catalog, known: KnownRobots) -> None:
        """All of it at once."""
        self.catalog = catalog
        self.known = known
        self.put(config)

    def spec_of(self, task: Task) -> CommandSpec:
        """The spec by which a task's command is carried out today.

        A reload may have changed it since the command was accepted. Raises RobotqError
        unknown_command, missing_parameter, bad_parameter where it does not fit any more.
        """
        spec = self.catalog.get(task.command.cmd_type)
        self.catalog.validated(spec, task.command.params)
        return spec

    def idempotent(self, task: Task) -> bool:
        """Whether a task's command may be run again by itself."""
        cmd_type = task.command.cmd_type
        return cmd_type in self.catalog and self.catalog.get(cmd_type).idempotent

    def places_of(self, task: Task) -> Sequence[str]:
        """The places that a task's command goes to; none where `spec_of` would raise."""
        cmd_type = task.command.cmd_type
        if cmd_type not in self.catalog.with_places:
            return ()
        try:
            return self.catalog.places(self.catalog.get(cmd_type), task.command.params)
        except (LookupError, AttributeError, TypeError, ValueError):
            # params that the spec of today does not take
            return ()
