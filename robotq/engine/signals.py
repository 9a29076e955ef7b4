"""What one part of the engine tells those that it does not know. Made first, before any part."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, ParamSpec

from robotq.drivers.base import LinkState
from robotq.model.delivery import Delivery
from robotq.model.task import Task

_log = logging.getLogger(__name__)

P = ParamSpec("P")


class Signal(Generic[P]):
    """Calls its subscribers at once, in the order in which they came.

    What is told has happened: an error of a subscriber is logged, and keeps neither the others
    nor whoever tells from going on.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        # never changed: whoever is being told may subscribe, or leave
        self._subscribers: tuple[Callable[P, object], ...] = ()

    def subscribe(self, subscriber: Callable[P, object]) -> None:
        self._subscribers = (*self._subscribers, subscriber)

    def unsubscribe(self, subscriber: Callable[P, object]) -> None:
        left = list(self._subscribers)
        left.remove(subscriber)
        self._subscribers = tuple(left)

    def tell(self, *args: P.args, **kwargs: P.kwargs) -> None:
        for subscriber in self._subscribers:
            try:
                subscriber(*args, **kwargs)
            except Exception:  # noqa: BLE001 - as above
                _log.exception("told of %s, and failed: %r", self._name, subscriber)


@dataclass(frozen=True, slots=True)
class Signals:
    """Every signal of an engine."""

    hold_changed: Signal[[str]] = field(default_factory=partial(Signal, "a changed hold"))
    """The holds of this queue have changed in memory."""
    hold_decided: Signal[[]] = field(default_factory=partial(Signal, "a decision about a hold"))
    """There is something to write about holds."""
    stop_wanted: Signal[[Task, str, str]] = field(default_factory=partial(Signal, "a wanted stop"))
    """Somebody, for a reason, wants this running task stopped."""
    task_written: Signal[[Task]] = field(default_factory=partial(Signal, "a written task"))
    """A task is on disk like this, and in memory too: one that has ended, repeats or has to be
    started in time. Of the others nobody wants to know. Part of every commit: be quick."""
    webhook_written: Signal[[Delivery]] = field(default_factory=partial(Signal, "a new webhook"))
    """A webhook is on disk that has come with the end of its task."""
    outage: Signal[[str]] = field(default_factory=partial(Signal, "an outage of the disk"))
    """The disk takes no writes, for this reason."""
    link_changed: Signal[[str, LinkState, str]] = field(
        default_factory=partial(Signal, "a changed link")
    )
    """What the driver of a robot says of its link, and why. Comes on any thread."""
    settings_changed: Signal[[]] = field(default_factory=partial(Signal, "changed settings"))
    """Another configuration is in force; nothing else has run since."""
