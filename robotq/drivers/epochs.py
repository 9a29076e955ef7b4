"""Devices that know which host drives them, and refuse every other one."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from robotq.drivers.base import LinkLost


class StaleEpoch(LinkLost):
    """The device has refused this host: another one drives it, under a higher epoch."""

    def __init__(self, reason: str, epoch: int) -> None:
        super().__init__(reason)
        self.epoch = epoch
        """Of the device."""


@runtime_checkable
class KeepsEpoch(Protocol):
    """A driver whose device keeps the highest epoch that a host has come with, and takes nothing
    from hosts with a lower one. No driver has to."""

    def take_epoch(self, epoch: int) -> None:
        """From the next `connect` on, every request goes out under this epoch. `connect` raises
        StaleEpoch where the device has a higher one, and LinkLost where it keeps none."""


@runtime_checkable
class TakesManyClients(Protocol):
    """A driver to whose server any number of clients may be connected, so that a new one keeps
    nobody away. No driver has to."""

    @property
    def many_clients(self) -> str:
        """Why, for people; empty where a new connection may cut the one before."""
