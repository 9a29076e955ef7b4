"""The commands of the simulated robots: one function each, and the tables that name them.

A new command is a function, its line here, and its spec in the catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from robotq.drivers.simulator.body import Body
from robotq.drivers.simulator.commands.bottles import pick_up, put_to, take_from_pose_to_pose
from robotq.drivers.simulator.commands.programs import run_gcode
from robotq.drivers.simulator.commands.queries import QUERIES
from robotq.drivers.simulator.commands.scan import scan_qrcode
from robotq.drivers.simulator.commands.signals import SIGNALS
from robotq.drivers.simulator.commands.stations import (
    pick_from_opener_250,
    pick_from_opener_500,
    refill_empty_bottles,
    split_liquid,
    transfer_to_chromatograph,
)
from robotq.drivers.simulator.commands.transport import (
    navigation,
    pick_box_to_area,
    pick_up_box,
    put_down_box,
    robot_action,
)
from robotq.drivers.simulator.machine import Machine
from robotq.drivers.simulator.params import Params
from robotq.model.json import JsonObject

QUEUED: Mapping[str, Callable[[Machine], JsonObject]] = {
    "SCAN_QRCODE": scan_qrcode,
    "PICK_UP": pick_up,
    "PUT_TO": put_to,
    "TAKE_BOTTOL_FROM_SP_TO_SP": take_from_pose_to_pose,
    "SPLIT_LIQUID": split_liquid,
    "PICK_FROM_BOTTLE_OPENER_250": pick_from_opener_250,
    "PICK_FROM_BOTTLE_OPENER_500": pick_from_opener_500,
    "REFILL_EMPTY_BOTTLES": refill_empty_bottles,
    "TRANSFER_TO_CHROMATOGRAPH": transfer_to_chromatograph,
    "NAVIGATION": navigation,
    "PICK_UP_BOX": pick_up_box,
    "PUT_DOWN_BOX": put_down_box,
    "PICK_BOX_TO_SP": pick_box_to_area,
    "ROBOT_ACTION": robot_action,
}
"""What `execute` carries out in the lab."""

EXECUTED: Mapping[str, Callable[[Machine], JsonObject]] = {**QUEUED, "RUN_GCODE": run_gcode}
"""All that `execute` carries out, with what a configuration has to name first."""

IMMEDIATE: Mapping[str, Callable[[Body, Params], JsonObject]] = {**QUERIES, **SIGNALS}
"""What `immediate` serves."""

STEPS_OF_THEIR_OWN = frozenset(
    {
        "NAVIGATING",
        "NAVIGATING_TO_SCAN",
        "NAVIGATING_TO_SPLIT",
        "NAVIGATING_TO_CHROMATOGRAPH",
        "RETURNING",
        "RUNNING",
        "WAITING_ID_INPUT",
    }
)
"""Steps whose duration is not in the layout."""
