"""The other end of the protocol: makes a jsonline device of any driver of robotq.

`robotq device` serves a simulated robot with it; a robot whose controller runs Python can be
served the same way, with a driver of its own.
"""

from __future__ import annotations

from robotq.drivers.jsonline.device.options import DeviceOptions
from robotq.drivers.jsonline.device.pty_port import PtyPort
from robotq.drivers.jsonline.device.server import Device
from robotq.drivers.jsonline.device.tcp_port import TcpPort

__all__ = ["Device", "DeviceOptions", "PtyPort", "TcpPort"]
