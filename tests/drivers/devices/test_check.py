"""What is wrong with devices and the steps that use them is told before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.written.conftest import Site, faults, right, site

__all__ = ["site"]

GANTRY = """\
robots:
  gantry:
    driver: grbl
    options: {port: /dev/gantry}
    devices:
      balance: {options: {device: mt-sics, port: /dev/balance}}
      pump: {options: {device: cavro-pump, port: /dev/pump}}
"""


def commands(step: str) -> str:
    return f"commands:\n  FILL:\n    steps:\n    - {step}\n"


@pytest.mark.parametrize(
    "step",
    [
        "{on: balance, do: {cmd_type: WEIGH}, into: weighed}",
        "{on: balance, do: {cmd_type: WEIGH_NOW}}",
        "{on: pump, do: {cmd_type: DISPENSE, params: {volume_ul: 100}}, timeout_s: 5}",
        '{on: pump, do: {cmd_type: DISPENSE, params: {volume_ul: "{params.volume}"}}}',
        "{for_each: 3, steps: [{on: pump, do: {cmd_type: INITIALIZE_PUMP}}]}",
    ],
)
def test_right_steps__are_taken(site: Site, step: str) -> None:
    assert faults(site(GANTRY, commands(step))) == []


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{on: balanse, do: {cmd_type: WEIGH}}", "on: found 'balanse', which is no device"),
        ("{on: balance, do: {cmd_type: WIEGH}}", "did you mean WEIGH?"),
        ("{on: pump, do: {cmd_type: DISPENSE}}", "params.volume_ul is missing"),
        (
            "{on: pump, do: {cmd_type: DISPENSE, params: {volume_ul: 5000}}}",
            "params.volume_ul: found 5000, expected",
        ),
        (
            "{on: pump, do: {cmd_type: DISPENSE, params: {volume_ul: '{values.much}'}}}",
            "params.volume_ul",
        ),
        (
            "{on: pump, do: {cmd_type: DISPENSE, params: {volume: 5, volume_ul: 5}}}",
            "did you mean volume_ul?",
        ),
        ("{steps: [{on: nobody, do: {cmd_type: WEIGH}}]}", "steps[0].steps[0].on"),
    ],
)
def test_wrong_steps__are_faults_with_their_line(site: Site, step: str, told: str) -> None:
    (fault,) = faults(site(GANTRY, "values: {much: 7000}\n" + commands(step)))
    assert fault.startswith("own.yaml:5: commands.FILL.steps")
    assert told in fault


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{on: balance}", "do"),
        ("{on: balance, do: {params: {}}}", "cmd_type"),
        ("{on: [balance], do: {cmd_type: WEIGH}}", "the name of a device"),
        ("{on: balance, do: {cmd_type: WEIGH}, gcode: G0}", "exactly one action"),
        ("{on: balance, do: {cmd_type: WEIGH}, out: x}", "unknown key"),
    ],
)
def test_step__that_is_not_whole_is_refused(site: Site, step: str, told: str) -> None:
    with pytest.raises(Exception, match=r"own\.yaml:4") as refused:
        site(GANTRY, commands(step))
    assert told in str(refused.value)


def test_fault__of_a_device_has_the_line_of_the_device(site: Site) -> None:
    wrong = GANTRY.replace("device: mt-sics", "device: mt-six")
    (fault,) = faults(site(wrong))
    assert fault.startswith("site.yaml:6: robots.gantry.devices.balance.options: device:")
    assert "did you mean mt-sics?" in fault


def test_fault__in_the_file_of_a_device_has_its_line(site: Site, tmp_path: Path) -> None:
    (tmp_path / "own-pump.yaml").write_text("safe_state: []\ncomands: {}\n")
    wrong = GANTRY.replace("device: cavro-pump", "device: ./own-pump.yaml")
    (fault,) = faults(site(wrong))
    assert fault.startswith("own-pump.yaml:2: comands: unknown key; did you mean commands?")


@pytest.mark.parametrize("driver", ["jsonline", "line"])
def test_robot__that_carries_out_no_steps_has_no_devices(site: Site, driver: str) -> None:
    told = faults(site(GANTRY.replace("driver: grbl", f"driver: {driver}")))
    assert f"site.yaml:5: robots.gantry.devices: {driver} carries out no steps" in told[-1]


def test_port__of_two_is_refused(site: Site) -> None:
    (fault,) = faults(site(GANTRY.replace("/dev/pump", "/dev/gantry")))
    assert fault.startswith("site.yaml:7: robots.gantry.devices.pump.options: port:")


def test_driver__of_a_device_answers_a_line(site: Site) -> None:
    with pytest.raises(Exception, match=r"site\.yaml:6.*driver: found .*grbl.*expected 'line'"):
        site(GANTRY.replace("balance: {", "balance: {driver: grbl, "))


def test_robot__without_the_device_cannot_do_the_command_and_another_one_does(site: Site) -> None:
    both = GANTRY + "  arm: {driver: marlin, options: {port: /dev/arm}}\n"
    read = site(both, commands("{on: balance, do: {cmd_type: WEIGH}}"))
    known = right(read).known
    spec = read[1].get("FILL")
    assert known.why_not(spec, "gantry") is None
    assert "devices" in str(known.why_not(spec, "arm"))
    assert known.chosen(spec, ["gantry", "arm"], "arm") == "gantry"


def test_commands__of_devices_are_none_of_the_daemon(site: Site) -> None:
    assert "DISPENSE" not in site(GANTRY)[1]
