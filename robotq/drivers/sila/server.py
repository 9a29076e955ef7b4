"""One connection to a server: what it is, what it can do, and calls of that with a time limit.

It is thrown away when it is lost. The library's own client waits without a limit, so only its
reading of features is used here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import Any

import grpc
from sila2.features.silaservice import SiLAServiceFeature
from sila2.framework import Feature, ObservableCommand, Property

from robotq.config.sila_robot import SilaRobot
from robotq.drivers.base import DriverError, LinkLost
from robotq.drivers.sila.faults import lost

CANCEL = "org.silastandard/core.commands/CancelController/v1"
_CORE = "org.silastandard/core/SiLAService/v1"
_ANSWER_S = 5.0
"""Wall seconds in which a server says what it is."""
_MOST_BYTES = 8 * 2**20
"""Of one message."""
_reading = threading.Lock()
"""The library makes modules of a description by way of the import path, for one at a time."""


class Known(Feature):  # type: ignore[misc] # the library is not looked at
    """A feature as the server describes it."""

    def part(self, name: str) -> Any:
        """A command or a property; None where there is none."""
        try:
            return self[name]
        except KeyError:
            return None

    def stub(self, channel: Any) -> Any:
        return getattr(self._grpc_module, f"{self._identifier}Stub")(channel)

    def execution(self, uuid: str) -> Any:
        """The message that names an execution."""
        return self._pb2_module.SiLAFramework__pb2.CommandExecutionUUID(value=uuid)


@lru_cache(maxsize=64)
def _known(description: str) -> Known:
    with _reading:
        return Known(description)


class Server:
    """Made by `open`. Calls may be made from any thread."""

    def __init__(self, robot: SilaRobot) -> None:
        """Raises LinkLost for files that cannot be read."""
        self._robot = robot
        self._main = _channel(robot)
        self._second = _channel(robot)
        """For stops, and whether anybody is there: nothing waits for another on it."""
        self._features: dict[str, Known] = {}
        self._stubs: dict[tuple[str, bool], Any] = {}
        self._asked: set[Any] = set()
        self._given_up = False
        self._lock = threading.Lock()
        self.uuid = ""
        self.unusable: dict[str, str] = {}
        """Feature -> why its description cannot be used."""
        self._add(_CORE, SiLAServiceFeature._feature_definition)  # noqa: SLF001 - the public one has no text

    def look(self) -> str:
        """Ask who it is. Raises LinkLost."""
        told = self._told("Get_ServerUUID", {})
        self.uuid = str(told.ServerUUID.value).lower()
        return self.uuid

    def learn(self, wanted: Iterable[str]) -> None:
        """Read the descriptions of features. Raises LinkLost."""
        told = self._told("Get_ImplementedFeatures", {})
        listed = {each.value for each in told.ImplementedFeatures}
        for name in sorted({*wanted, CANCEL} & listed):
            text = self._told("GetFeatureDefinition", {"FeatureIdentifier": name})
            self._add(name, text.FeatureDefinition.value)

    def give_up(self) -> None:
        """End what waits now, and what would: a stop has come while the link was made."""
        with self._lock:
            self._given_up = True
            asked = list(self._asked)
        for each in asked:
            each.cancel()

    @property
    def can_cancel(self) -> bool:
        return CANCEL in self._features

    def feature(self, name: str) -> Known:
        """Raises DriverError where the server does not have it."""
        known = self._features.get(name)
        if known is None:
            why = self.unusable.get(name, "the server does not have it")
            raise DriverError(f"{name}: {why}")
        return known

    def part(self, feature: str, name: str) -> Any:
        """A command or a property. Raises DriverError where the server does not have it."""
        part = self.feature(feature).part(name)
        if part is None:
            raise DriverError(f"{feature} has no {name}")
        return part

    def is_observable(self, feature: str, name: str) -> bool:
        return isinstance(self.part(feature, name), ObservableCommand)

    def begin(
        self, feature: str, rpc: str, message: Any, seconds: float, *, stops: bool = False
    ) -> Future[Any]:
        """A call that is on its way; it raises grpc.RpcError."""
        call: Future[Any] = self._method(feature, rpc, stops=stops).future(message, timeout=seconds)
        return call

    def call(self, feature: str, rpc: str, message: Any, seconds: float) -> Any:
        """Raises grpc.RpcError."""
        return self._method(feature, rpc)(message, timeout=seconds)

    def stream(self, feature: str, rpc: str, message: Any, seconds: float) -> Any:
        """What comes for up to so many seconds; going through it raises grpc.RpcError."""
        return self._method(feature, rpc)(message, timeout=seconds)

    def read(self, feature: str, name: str, seconds: float) -> Any:
        """The message of a property. Raises grpc.RpcError, DriverError."""
        part = self.part(feature, name)
        if not isinstance(part, Property):
            raise DriverError(f"{feature}: {name} is no property")
        stub = self._stub(feature, stops=False)
        message = part.get_parameters_message()
        if hasattr(stub, f"Get_{name}"):
            return getattr(stub, f"Get_{name}")(message, timeout=seconds)
        stream = getattr(stub, f"Subscribe_{name}")(message, timeout=seconds)
        try:
            for each in stream:
                return each
        finally:
            stream.cancel()
        raise DriverError(f"{feature}: {name} has no value")

    def is_there(self, seconds: float) -> None:
        """Raises LinkLost where it is not, or is another one by now."""
        told = self._told("Get_ServerUUID", {}, seconds)
        if str(told.ServerUUID.value).lower() != self.uuid:
            raise LinkLost("another server answers at its address")

    def close(self) -> None:
        self._main.close()
        self._second.close()

    # -- ------------------------------------------------------------------------------------

    def _add(self, name: str, description: str) -> None:
        try:
            known = _known(description)
        except Exception as error:  # noqa: BLE001 - a description is made into code by the library
            self.unusable[name] = f"its description cannot be used: {error}"[:300]
            return
        if str(known.fully_qualified_identifier) != name:
            self.unusable[name] = f"its description is that of {known.fully_qualified_identifier}"
            return
        self._features[name] = known

    def _told(self, rpc: str, values: Mapping[str, Any], seconds: float = _ANSWER_S) -> Any:
        """From the feature that every server has. Raises LinkLost."""
        part = self.part(_CORE, rpc.removeprefix("Get_"))
        mapped = (
            part.get_parameters_message() if not values else part.parameters.to_message(**values)
        )
        with self._lock:
            if self._given_up:
                raise LinkLost("a stop came before the server had answered")
            asked = self.begin(_CORE, rpc, mapped, seconds, stops=True)
            self._asked.add(asked)
        try:
            return asked.result()
        except grpc.FutureCancelledError as error:
            raise LinkLost("a stop came before the server had answered") from error
        except grpc.RpcError as error:
            raise lost(error, self._robot.address) from error
        finally:
            with self._lock:
                self._asked.discard(asked)

    def _method(self, feature: str, rpc: str, *, stops: bool = False) -> Any:
        return getattr(self._stub(feature, stops=stops), rpc)

    def _stub(self, feature: str, *, stops: bool) -> Any:
        found = self._stubs.get((feature, stops))
        if found is None:
            found = self.feature(feature).stub(self._second if stops else self._main)
            self._stubs[feature, stops] = found
        return found


def _channel(robot: SilaRobot) -> Any:
    """Raises LinkLost."""
    options = [
        # a call that may have arrived is never sent again by itself
        ("grpc.enable_retries", 0),
        ("grpc.max_receive_message_length", _MOST_BYTES),
        # a connection of its own, for nobody else's
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0),
    ]
    if robot.insecure:
        return grpc.insecure_channel(robot.address, options)
    if robot.tls_name is not None:
        options.append(("grpc.ssl_target_name_override", robot.tls_name))  # type: ignore[arg-type]
    try:
        ca, certificate, key = (
            None if file is None else Path(file).read_bytes()
            for file in (robot.ca, robot.certificate, robot.key)
        )
    except OSError as error:
        raise LinkLost(f"{error.filename} cannot be read: {error.strerror}") from error
    trusted = grpc.ssl_channel_credentials(ca, key, certificate)
    return grpc.secure_channel(robot.address, trusted, options)
