from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from robotq.cli.shared.display.junit import Outcome, write_junit
from robotq.cli.shared.failure import Failure

CASES = (
    Outcome(
        suite="scan.json",
        cmd_type="SCAN_QRCODE",
        cmd_id="scan 1",
        seconds=12.5,
        result={"scanned_count": 3},
    ),
    Outcome(
        suite="scan.json",
        cmd_type="PICK_UP <bottle>",
        seconds=1.25,
        failure="no bottle_009 \x00 here & now",
        kind="device_error",
    ),
    Outcome(suite="rest.json", cmd_type="PUT_TO", seconds=0, failure="batch", skipped=True),
)


def test_junit__one_testcase_per_command_with_time_and_failure(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    write_junit(file, CASES)
    root = ET.parse(file).getroot()
    assert root.attrib["tests"] == "3"
    assert root.attrib["failures"] == "1"
    assert root.attrib["skipped"] == "1"
    assert [suite.attrib["name"] for suite in root] == ["scan.json", "rest.json"]
    done, failed, skipped = root.iter("testcase")
    assert done.attrib["name"] == "SCAN_QRCODE scan 1"
    assert done.attrib["time"] == "12.500"
    assert done.find("failure") is None
    assert '"scanned_count": 3' in done.findtext("system-out", "")
    failure = failed.find("failure")
    assert failure is not None
    assert failure.attrib == {"message": "no bottle_009 \ufffd here & now", "type": "device_error"}
    assert skipped.find("skipped") is not None


def test_junit__a_report_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="cannot write"):
        write_junit(tmp_path / "no" / "such" / "report.xml", CASES)
