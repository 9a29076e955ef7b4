"""What is certain after a call that has no answer, or an error for one."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import grpc
from google.protobuf.message import DecodeError
from sila2.framework.pb2 import SiLAFramework_pb2

from robotq.drivers.base import DriverError, LinkLost, UncertainOutcome

_NOT_FINISHED, _INVALID_UUID = 2, 1
"""Of FrameworkError.ErrorType in SiLAFramework.proto."""
_LONGEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SilaFault:
    """An error that the server itself has told, as SiLA 2 has it."""

    kind: str
    """validationError, definedExecutionError, undefinedExecutionError or frameworkError."""
    text: str
    number: int = -1
    """Of a frameworkError."""

    @property
    def forgotten(self) -> bool:
        """The server knows no such execution."""
        return self.kind == "frameworkError" and self.number == _INVALID_UUID


def fault_of(error: grpc.RpcError) -> SilaFault | None:
    """None where the error is one of the connection."""
    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
        return SilaFault(kind="frameworkError", text="the server does not have it")
    if error.code() is not grpc.StatusCode.ABORTED:
        return None
    try:
        raw = base64.b64decode(error.details() or "", validate=True)
        told = SiLAFramework_pb2.SiLAError.FromString(raw)
    except (binascii.Error, ValueError, DecodeError):
        return None
    kind = told.WhichOneof("error")
    if kind is None:
        return None
    inner = getattr(told, kind)
    text = inner.message or "the server gives no reason"
    if kind == "definedExecutionError":
        text = f"{inner.errorIdentifier.rpartition('/')[2]}: {text}"
    if kind == "validationError":
        text = f"{inner.parameter.rpartition('/')[2]}: {text}"
    return SilaFault(
        kind=kind,
        text=text[:_LONGEST],
        number=inner.errorType if kind == "frameworkError" else -1,
    )


def lost(error: grpc.RpcError, name: str) -> LinkLost:
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return LinkLost(f"{name}: no answer in time")
    return LinkLost(f"{name}: {error.code().name}: {error.details()}"[:_LONGEST])


def not_begun(error: grpc.RpcError, name: str) -> Exception:
    """What it means that an observable command has got no execution."""
    fault = fault_of(error)
    if fault is None:
        return _open(error, name)
    if fault.kind == "validationError":
        return DriverError(fault.text, code="bad_parameter", field="params")
    if fault.kind == "undefinedExecutionError":
        # whoever has not foreseen the error cannot say that nothing has begun
        return UncertainOutcome("answer_lost", f"{name}: {fault.text}")
    return DriverError(f"{name}: {fault.text}")


def not_answered(error: grpc.RpcError, name: str, *, acts: bool) -> Exception:
    """What it means that a call has no result. `acts`: it may move the robot."""
    fault = fault_of(error)
    if fault is None:
        if acts:
            return _open(error, name)
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return DriverError(f"{name} gave no answer in time")
        return lost(error, name)
    if fault.kind == "validationError":
        return DriverError(fault.text, code="bad_parameter", field="params")
    return DriverError(f"{name}: {fault.text}")


def _open(error: grpc.RpcError, name: str) -> UncertainOutcome:
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return UncertainOutcome("answer_lost", f"{name} gave no answer in time")
    return lost(error, name)
