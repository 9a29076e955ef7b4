"""One look at the nodes of a command, and of what all commands of the station share."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from robotq.drivers.plc.pattern import LeftOpen, Pattern, Plc, Station, Values


class Look:
    """What was read together. What is not read again has not changed."""

    def __init__(self, plc: Plc, pattern: Pattern, station: Station) -> None:
        """Raises LinkLost."""
        self._pattern = pattern
        self._station = station
        names = [pattern.start, pattern.done, pattern.accepted, station.stop, station.stopped]
        names += [station.boot, *(alarm.node for alarm in station.alarms)]
        self._seen: Values = plc.read([name for name in dict.fromkeys(names) if name is not None])

    @property
    def start(self) -> Any:
        return self._seen[self._pattern.start]

    @property
    def done(self) -> Any:
        return self._seen[self._pattern.done]

    @property
    def accepted(self) -> Any:
        """None where the pattern has no such node."""
        name = self._pattern.accepted
        return None if name is None else self._seen[name]

    @property
    def boot(self) -> Any:
        """None where the station has no such node."""
        name = self._station.boot
        return None if name is None else self._seen[name]

    @property
    def taken(self) -> Collection[Any]:
        """What stands in start, done and accepted."""
        return {self._seen[name] for name in self._pattern.of_command}

    @property
    def high(self) -> list[str]:
        """Those of start, done and accepted that are not 0."""
        return [name for name in self._pattern.of_command if self._seen[name]]

    @property
    def left_open(self) -> LeftOpen | None:
        """Of a numbered pattern: the number that the PLC has not told the end of."""
        pattern = self._pattern
        if not pattern.numbered or self.start == self.done:
            return None
        if pattern.idle and not self.start:
            # it was taken back, and the PLC has not answered that yet
            return None
        return LeftOpen(
            start=pattern.start,
            number=self.start,
            done=pattern.done,
            done_is=self.done,
            boot=self.boot,
        )

    @property
    def stop_is_high(self) -> bool:
        stop = self._station.stop
        return bool(stop and self._seen[stop])

    @property
    def is_stopped(self) -> bool:
        stopped = self._station.stopped
        # of a register, any other number is no answer
        return self.stop_is_high and stopped is not None and self._seen[stopped] == 1

    def stands_since(self, before: Look) -> bool:
        """Whether the stop bit is high, and an alarm has come that was not there then, for which
        the PLC stops everything."""
        return self.stop_is_high and any(
            alarm.raised(int(before._seen[alarm.node]), int(self._seen[alarm.node]))
            for alarm in self._station.alarms
        )

    @property
    def words(self) -> Values:
        """Those of the alarms that are not 0."""
        nodes = [alarm.node for alarm in self._station.alarms]
        return {node: int(self._seen[node]) for node in nodes if self._seen[node]}

    @property
    def told(self) -> str:
        """What stands in the nodes that say how far it is."""
        nodes = [*self._pattern.of_command, *(alarm.node for alarm in self._station.alarms)]
        return ", ".join(f"{node} {int(self._seen[node])}" for node in dict.fromkeys(nodes))

    @property
    def alarms(self) -> tuple[list[str], bool]:
        """What is wrong, and whether the PLC stops everything for it."""
        raised = [alarm for alarm in self._station.alarms if self._seen[alarm.node]]
        texts = [text for alarm in raised for text in alarm.texts(int(self._seen[alarm.node]))]
        return texts, any(alarm.stands for alarm in raised)
