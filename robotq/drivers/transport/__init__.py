"""The byte stream under a driver: any serial port or URL that pyserial can open.

`Transport` reads on a thread of its own and hands over whole lines; it can be written to at
any time, and `write_now` overtakes every line that is still being written.
"""

from __future__ import annotations

from robotq.drivers.transport.link import Discarded, Transport
from robotq.drivers.transport.options import PortOptions, UsbId, read_port_options

__all__ = ["Discarded", "PortOptions", "Transport", "UsbId", "read_port_options"]
