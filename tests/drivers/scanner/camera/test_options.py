"""What may stand under `scanner` of a camera, and what a message never repeats."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from robotq.drivers.reading import Section
from robotq.drivers.scanner import ScannerOptions, read_scanner_options
from robotq.drivers.scanner.camera.dates import read_time
from robotq.model.errors import ConfigError


def options(**given: Any) -> ScannerOptions:
    section = Section({"scanner": {"kind": "camera", **given}}, lambda _: "robotq.yaml")
    read = read_scanner_options(section)
    assert read is not None
    return read


def test_url__is_shown_without_its_secrets() -> None:
    read = options(url="https://cam.lab:8443/shot?key=t0ken", user="u", password="s3cret")
    assert read.camera is not None
    assert read.camera.where == read.port.port == "https://cam.lab:8443/shot"
    assert "s3cret" not in repr(read)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "one of `url` and `file`"),
        ({"url": "http://cam/x", "file": "/x"}, "one of `url` and `file`"),
        ({"url": "ftp://cam/x"}, "expected an address"),
        ({"url": "http:///x"}, "expected an address"),
        ({"url": "http://[::1/x"}, "expected an address"),
        ({"url": "http://cam:99999/x"}, "expected an address"),
        ({"url": "http://u:s3cret@cam/x"}, "in place of what stands in front of the @"),
        ({"url": "http://cam/x", "user": "u"}, "go together"),
        ({"url": "http://cam/x", "user": "u", "password": 1234}, "between quotation marks"),
        ({"url": "http://cam/x", "fingerprint": "ab" * 32}, "https://"),
        ({"url": "https://cam/x", "fingerprint": "ab"}, "64 digits"),
        ({"file": "/x", "discard": 2}, "is for a camera with `url`"),
        ({"file": "/x", "formats": ["qr"]}, "only aztec"),
        ({"file": "/x", "formats": []}, "at least one"),
        ({"file": "/x", "region": [0, 0, 1]}, "four numbers"),
        ({"file": "/x", "region": [0, 0, 640, 480]}, "parts of the picture"),
        ({"file": "/x", "region": [0.5, 0, 0.6, 1]}, "parts of the picture"),
        ({"file": "/x", "region": [0, 0, 0, 1]}, "parts of the picture"),
        ({"file": "/x", "encoding": "utf-16"}, "encoding"),
        ({"file": "/x", "trigger": "T"}, "unknown key"),
        ({"file": "/x", "kind": "webcam"}, "one of camera, scanner"),
    ],
)
def test_options__that_are_not_right_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        options(**given)
    assert "s3cret" not in str(error.value)
    assert "1234" not in str(error.value)


def test_scanner__of_another_kind_knows_no_url() -> None:
    section = Section({"scanner": {"port": "/dev/x", "url": "http://cam/x"}}, str)
    with pytest.raises(ConfigError, match="unknown key"):
        read_scanner_options(section)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1796000000.25", 1796000000.25),
        ("1796000000250", 1796000000.25),
        ("2026-11-30T00:53:20.25Z", 1796000000.25),
        ("2026-11-30T08:53:20.250+08:00", 1796000000.25),
        ("Mon, 30 Nov 2026 00:53:20 GMT", 1796000000.0),
        ("2026-11-30T00:53:20.25", None),
        ("inf", None),
        ("", None),
        ("soon", None),
    ],
)
def test_time__of_an_own_header(value: str, seconds: float | None) -> None:
    assert read_time(value) == seconds


@pytest.mark.slow
@pytest.mark.wall("a process of its own tells what it has loaded")
def test_other_scanners__bring_no_http_client_and_no_library() -> None:
    script = (
        "import sys; import robotq.drivers.scanner;"
        "bad = {'zxingcpp', 'PIL', 'aiohttp.client'} & set(sys.modules);"
        "print(sorted(bad))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
