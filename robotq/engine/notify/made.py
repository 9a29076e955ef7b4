"""Puts the parts of telling people together. Loaded where the configuration names somebody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from robotq.engine.assembly.base import Base
from robotq.engine.notify import sending
from robotq.engine.notify.incident import restored
from robotq.engine.notify.notifier import Alarm, Notifier
from robotq.engine.notify.outbox import Outbox
from robotq.engine.notify.receivers import Receivers
from robotq.engine.notify.words import Words
from robotq.engine.robot.robot import Robot
from robotq.engine.upkeep.maintenance import Maintenance
from robotq.model.texts import Language


class Telling:
    """Begins when the engine runs, and ends before its disk."""

    def __init__(
        self,
        base: Base,
        robots: Mapping[str, Robot],
        standing: Callable[[], Sequence[Alarm]],
        maintenance: Maintenance | None,
    ) -> None:
        settings = base.settings
        incidents, notices = restored(base.restored.facts)
        words = Words(base.holds, base.reads, robots, maintenance)
        self.receivers = Receivers(settings)

        def language() -> Language:
            return Language(settings.config.language)

        self.outbox = Outbox(
            commit=base.commit,
            clock=base.clock,
            notices=notices,
            targets=self.receivers.all,
            send=sending.send,
        )
        self.notifier = Notifier(
            config=lambda: settings.config.notify,
            language=language,
            clock=base.clock,
            commit=base.commit,
            standing=standing,
            words_of=lambda alarm: words.of(alarm, language()),
            open_before=incidents,
            outbox=self.outbox,
            receivers=self.receivers,
        )
        base.commit.follow(self.notifier.following)
        base.signals.task_written.subscribe(self.notifier.task_written)
        self._grace_s = settings.timings.webhooks_at_end_s

    async def start(self) -> None:
        """Raises ConfigError."""
        await self.receivers.refresh()
        self.outbox.start()

    async def look(self) -> None:
        await self.receivers.refresh()
        await self.notifier.look()

    async def stop(self) -> None:
        await self.outbox.stop(self._grace_s)
