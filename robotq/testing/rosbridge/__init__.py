"""A bridge to stand in for rosbridge_suite in tests: its protocol over a WebSocket, its habits,
and behind it a simulated graph of ROS, or any other one."""

from __future__ import annotations

from robotq.testing.rosbridge.actionlib import ActionlibServer
from robotq.testing.rosbridge.graph import Graph
from robotq.testing.rosbridge.server import BridgeServer
from robotq.testing.rosbridge.simulated import SimulatedAction, SimulatedGraph

__all__ = ["ActionlibServer", "BridgeServer", "Graph", "SimulatedAction", "SimulatedGraph"]
