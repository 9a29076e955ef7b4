"""Whatever is asked of the robots, and whenever they are stopped, the lab stays possible."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from robotq.drivers.base import DriverError, Stopped
from robotq.drivers.simulator.lab.layout_file import read_layout
from robotq.drivers.simulator.lab.state import misfit
from tests.drivers.simulator.bench import Bench

LAYOUT = read_layout(None)
STEPS = (
    "NAVIGATING", "GRABBING_BOTTLE", "PUTTING_TO_BACK", "SCANNING", "PUTTING_DOWN",
    "TAKING_FROM_BACK", "TURNING_BACK_FRONT", "SPLITTING", "GRABBING_BOX",
)  # fmt: skip

robots = st.sampled_from(["robot_a", "robot_b"])
bottles = st.sampled_from([bottle.id for bottle in LAYOUT.bottles])
poses = st.sampled_from(sorted(LAYOUT.station_of))
areas = st.sampled_from(LAYOUT.box_areas)
commands = st.one_of(
    st.tuples(st.just("SCAN_QRCODE"), st.fixed_dictionaries({"run_times": st.integers(1, 3)})),
    st.tuples(
        st.just("PICK_UP"),
        st.lists(st.fixed_dictionaries({"bottle_id": bottles}), min_size=1, max_size=3),
    ),
    st.tuples(
        st.just("PUT_TO"),
        st.lists(
            st.fixed_dictionaries({"bottle_id": bottles, "release_pose": poses}),
            min_size=1,
            max_size=3,
        ),
    ),
    st.tuples(
        st.just("TAKE_BOTTOL_FROM_SP_TO_SP"),
        st.fixed_dictionaries({"initial_pose": poses, "target_pose": poses}),
    ),
    st.tuples(st.just("SPLIT_LIQUID"), st.fixed_dictionaries({"volume": st.just(250)})),
    st.tuples(st.just("TRANSFER_TO_CHROMATOGRAPH"), st.just({})),
    st.tuples(st.just("PICK_FROM_BOTTLE_OPENER_250"), st.just({})),
    st.tuples(st.just("REFILL_EMPTY_BOTTLES"), st.just({})),
    st.tuples(
        st.just("PICK_BOX_TO_SP"),
        st.fixed_dictionaries({"box_initial_area": areas, "box_target_area": areas}),
    ),
    st.tuples(st.just("PICK_UP_BOX"), st.fixed_dictionaries({"box_initial_area": areas})),
    st.tuples(st.just("PUT_DOWN_BOX"), st.fixed_dictionaries({"box_target_area": areas})),
)


class LabMachine(RuleBasedStateMachine):
    """Commands in any order to both robots, stops in any step, restarts in between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.bench = Bench(Path(self.folder.name))
        self.bench.robot("robot_a")
        self.bench.robot("robot_b")

    @rule(robot=robots, command=commands)
    def run(self, robot: str, command: tuple[str, Any]) -> None:
        try:
            self.bench.run(*command, robot=robot)
        except DriverError as error:
            assert error.code == "device_error"

    @rule(robot=robots, command=commands, step=st.sampled_from(STEPS), emergency=st.booleans())
    def run_and_stop(
        self, robot: str, command: tuple[str, Any], step: str, emergency: bool
    ) -> None:
        driver = self.bench.robot(robot)
        context = self.bench.context()
        context.at_step[step] = driver.emergency_stop if emergency else driver.stop
        with suppress(DriverError, Stopped):
            self.bench.run(*command, robot=robot, context=context)
        driver.reset()

    @precondition(lambda self: self.bench.motions())
    @rule()
    def restart(self) -> None:
        before = self.bench.state
        self.bench = self.bench.restarted()
        self.bench.robot("robot_a")
        self.bench.robot("robot_b")
        assert self.bench.state == before

    @invariant()
    def each_slot_has_one_bottle_and_each_bottle_one_slot(self) -> None:
        state = self.bench.state
        assert misfit(state, LAYOUT) is None
        assert set(state.bottles) == {bottle.id for bottle in LAYOUT.bottles}
        assert max(Counter(bottle.slot for bottle in state.bottles.values()).values()) == 1

    @invariant()
    def each_hand_has_one_thing(self) -> None:
        state = self.bench.state
        assert max(Counter(state.boxes.values()).values()) == 1
        for robot in LAYOUT.robots:
            held = [b for b in state.bottles.values() if b.slot == f"{robot}.gripper"]
            carried = [box for box, where in state.boxes.items() if where == robot]
            assert len(held) + len(carried) <= 1

    def teardown(self) -> None:
        self.bench.close()
        self.folder.cleanup()


TestLab = LabMachine.TestCase
TestLab.settings = settings(
    max_examples=8,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
