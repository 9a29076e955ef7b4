"""The link to a station: its three connections, and the watch over them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from robotq.drivers.base import DriverError, LinkLost, NotAsConfigured
from robotq.drivers.plc.connections import Connection, connections
from robotq.drivers.plc.handshakes.look import Look
from robotq.drivers.plc.handshakes.standing import Found, Standing
from robotq.drivers.plc.lads.units import LadsUnits
from robotq.drivers.plc.pattern import Pattern, Refused
from robotq.drivers.plc.ready import ReadyStation
from robotq.drivers.plc.watch import Watch
from robotq.model.carried.live_value import LiveValues


class StationLink:
    """`open` and `close` come from one thread, all else from any."""

    def __init__(self, ready: ReadyStation, on_lost: Callable[[str], None]) -> None:
        """`on_lost` is called once for each link that breaks."""
        self._ready = ready
        self._on_lost = on_lost
        self.standing = Standing(ready.station)
        self._work: Connection | None = None
        self._stop: Connection | None = None
        """Of its own: a stop waits for no answer to anything else."""
        self._look: Connection | None = None
        self.units = LadsUnits(ready.units)
        self._watch: Watch | None = None
        self._up = False
        self._why_lost = "not connected"
        self._state = threading.Lock()

    @property
    def is_up(self) -> bool:
        return self._up

    @property
    def can_stop(self) -> bool:
        return self._ready.station.stop is not None or bool(self.units)

    def open(self, latched: Callable[[], bool]) -> None:
        """Where a stop is latched, it is sent before anything else.

        Raises LinkLost, DriverError.
        """
        self.close()
        try:
            self._stop, self._work, self._look = connections(self._ready)
            self._stop.open()
            self.units.stop_over(self._stop)
            if latched():
                self.stop(abort=True, only=None)
            self._work.open()
            # every node that commands use is there, and can be read
            self._work.read(self._ready.nodes)
            self._check_writes(self._work)
            self.units.work_over(self._work)
            self._look.open()
        except LinkLost:
            self.close()
            raise
        except Refused as error:
            self.close()
            raise LinkLost(f"the PLC refuses the stop: {error}") from error
        self._up = True
        self._watch = Watch(self._look, self._ready, self.standing, self.lose)
        self._watch.start()

    def _check_writes(self, plc: Connection) -> None:
        """Raises NotAsConfigured, LinkLost."""
        nodes, writes = self._ready.nodes, self._ready.writes
        misfits = plc.misfits(writes, writes)
        if misfits:
            raise NotAsConfigured(
                "; ".join(
                    f"{name} at {nodes[name].written.address} {why}"
                    for name, why in misfits.items()
                )
            )

    def lose(self, reason: str) -> None:
        with self._state:
            if not self._up:
                return
            self._up = False
            self._why_lost = reason
        self._on_lost(reason)

    def close(self) -> None:
        with self._state:
            self._up = False
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.end()
        for each in (self._work, self._stop, self._look):
            if each is not None:
                each.close()
        self._work = self._stop = self._look = None
        self.units.lost()
        if watch is not None:
            watch.join()

    def require(self) -> None:
        """Raises LinkLost where there is no link."""
        if not self._up:
            raise LinkLost(self._why_lost)

    @property
    def work(self) -> Connection:
        """For commands. Raises LinkLost."""
        return self._there(self._work)

    @property
    def look(self) -> Connection:
        """For queries. Raises LinkLost."""
        return self._there(self._look)

    def _there(self, connection: Connection | None) -> Connection:
        self.require()
        if connection is None:
            raise LinkLost(self._why_lost)
        return connection

    def stop(self, *, abort: bool, only: str | None) -> None:
        """The stop bit, and the units of LADS or `only` one. Raises DriverError, LinkLost."""
        stop, plc = self._ready.station.stop, self._stop
        if not self.can_stop:
            raise DriverError("this station has no stop bit in its options")
        if plc is None:
            raise LinkLost(self._why_lost)
        try:
            # one that refuses keeps no other one from being stopped
            with contextlib.ExitStack() as stack:
                stack.callback(self.units.end, abort=abort, only=only)
                if stop is not None:
                    plc.write(stop, True)
        except Refused as error:
            raise DriverError(f"the PLC refuses the stop: {error}") from error

    def let_alarms_go(self, latched: Callable[[], bool]) -> None:
        """Look at the alarms anew. A stop bit that is still high falls, where no command can begin
        by that: an alarm for the stop itself cannot be reset at the PLC before. Raises DriverError,
        LinkLost."""
        look, station = self.look, self._ready.station
        patterns = [each.pattern for each in self._ready.programs.values() if each.pattern]
        bits = {each.start for each in patterns if not each.numbered}
        age, alarms = self.standing.age, {alarm.node for alarm in station.alarms}
        stop = station.stop
        read = look.read({*alarms, *bits, *([] if stop is None else [stop])})
        falls = stop is not None and read[stop] and not any(read[bit] for bit in bits)
        if stop is not None and falls and any(read[alarm] for alarm in alarms) and not latched():
            try:
                look.write(stop, False)
                if latched():
                    # it has come meanwhile
                    look.write(stop, True)
            except Refused as error:
                raise DriverError(f"the PLC refuses a reset: {error}") from error
        self.standing.seen(age, read)

    def look_why(self, plc: Connection, pattern: Pattern) -> None:
        """See what keeps the next command from beginning, behind one that has ended."""
        try:
            seen = Look(plc, pattern, self._ready.station)
        except LinkLost as error:
            # how the command has ended does not hang on it
            self.lose(str(error))
            return
        self.standing.found(Found(alarms=seen.alarms[0], left_open=seen.left_open))

    def values(self) -> LiveValues:
        """What is shown of the nodes."""
        return {} if (watch := self._watch) is None else watch.values()
