"""The lab as a picture shows it."""

from __future__ import annotations

from robotq.drivers.simulator.lab.layout import BOTTLE_TYPES, Layout, back, gripper
from robotq.drivers.simulator.lab.state import LabState
from robotq.model.json import JsonObject


def picture(layout: Layout, state: LabState) -> JsonObject:
    """Where everything is, in millimetres, as of the last motion that has ended.

    A bottle is in a slot: a pose of a station, or a slot of a robot.
    """
    return {
        "places": {name: {"x": place.x, "y": place.y} for name, place in layout.places.items()},
        "stations": {
            name: {
                "slots": station.slots,
                "places": tuple(dict.fromkeys(p for way in station.reach.values() for p in way)),
            }
            for name, station in layout.stations.items()
        },
        "robots": {
            name: {"gripper": gripper(name), "back": back(name, robot.back_slots)}
            for name, robot in layout.robots.items()
        },
        "bottles": [
            {
                "id": bottle.id,
                "slot": bottle.slot,
                "volume_ml": bottle.volume,
                "capacity_ml": BOTTLE_TYPES[bottle.type],
                "task": bottle.task,
                "scanned": bottle.scanned,
            }
            for bottle in state.bottles.values()
        ],
        "box_areas": layout.box_areas,
        "boxes": dict(state.boxes),
        "tools": dict(state.tools),
    }
