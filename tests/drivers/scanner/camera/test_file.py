"""A camera that writes its pictures to a file: one that is older than the read is none."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers.base import DriverError
from robotq.drivers.reading import Section
from robotq.drivers.scanner import CodeReader, read_scanner_options, reader_of

from .pictures import of

pytestmark = pytest.mark.wall("files and HTTP date pictures by the clock of the wall")

Made = Callable[..., CodeReader]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "latest.png"


@pytest.fixture
def made(file: Path) -> Iterator[Made]:
    with ExitStack() as stack:

        def make(**given: Any) -> CodeReader:
            section = {"kind": "camera", "file": str(file), "not_again_s": 0, **given}
            options = read_scanner_options(Section({"scanner": section}, str))
            assert options is not None
            camera = reader_of("arm", options)
            stack.callback(camera.close)
            return camera

        yield make


def put(file: Path, data: bytes) -> None:
    """As a good writer does it."""
    half = file.with_suffix(".half")
    half.write_bytes(data)
    half.replace(file)


def soon(work: Callable[[], object], after_s: float = 0.15) -> threading.Timer:
    timer = threading.Timer(after_s, work)
    timer.start()
    return timer


def read(camera: CodeReader, timeout_s: float = 5) -> str | None:
    return camera.read(timeout_s, lambda: None)


def refused(camera: CodeReader, timeout_s: float = 0.3) -> str:
    with pytest.raises(DriverError) as error:
        read(camera, timeout_s)
    assert error.value.code == "picture_refused"
    return str(error.value.args_["reason"])


def test_picture__that_is_written_after_the_read_began_is_taken(made: Made, file: Path) -> None:
    put(file, of("OLD"))
    camera = made()
    camera.require()
    soon(lambda: put(file, of("NEW")))
    assert read(camera) == "NEW"
    assert camera.state()["dated"] is True


def test_picture__that_is_older_is_refused(made: Made, file: Path) -> None:
    put(file, of("OLD"))
    assert refused(made()) == "reason.picture_old"


def test_picture__of_before_that_gets_its_name_later_is_old(made: Made, file: Path) -> None:
    """It was taken before the read, and only renamed since."""
    half = file.with_suffix(".half")
    half.write_bytes(of("OLD"))
    camera = made()
    camera.require()
    time.sleep(0.05)
    soon(lambda: half.replace(file))
    assert refused(camera, 0.5) == "reason.picture_old"


def test_same_bytes__under_a_new_date_are_refused(made: Made, file: Path) -> None:
    camera = made()
    same = of("SAME")
    soon(lambda: put(file, same))
    assert read(camera) == "SAME"
    soon(lambda: put(file, same))
    assert refused(camera, 1.0) == "reason.picture_same"


def test_file__that_is_written_in_pieces_is_waited_for(made: Made, file: Path) -> None:
    data = of("WHOLE")
    camera = made()

    def write() -> None:
        with file.open("wb", buffering=0) as stream:
            for first in range(0, len(data), len(data) // 20 + 1):
                stream.write(data[first : first + len(data) // 20 + 1])
                time.sleep(0.01)

    soon(write)
    assert read(camera) == "WHOLE"


def test_half_a_picture__is_none(made: Made, file: Path) -> None:
    camera = made()
    soon(lambda: put(file, of("WHOLE")[:300]))
    # it was looked at, and nothing could be read in it
    assert read(camera, 0.6) is None


def test_nothing_there_yet__is_no_absent_camera(made: Made, file: Path) -> None:
    camera = made()
    camera.require()
    assert camera.state()["reason"] == "there is no picture yet"
    assert refused(camera) == "reason.picture_none"


def test_folder__that_is_not_there_is_an_absent_camera(made: Made, tmp_path: Path) -> None:
    with pytest.raises(DriverError, match="is not there") as error:
        made(file=str(tmp_path / "nowhere" / "x.png")).require()
    assert error.value.code == "scanner_absent"


def test_pipe_and_folder__are_no_pictures(made: Made, file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(DriverError, match="is no file"):
        made().require()
    file.unlink()
    file.mkdir()
    with pytest.raises(DriverError, match=r"is no file|cannot be read"):
        made().require()


def test_file__that_is_too_large_is_not_read(made: Made, file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(2**40)
    camera = made()
    camera.require()
    assert "larger than" in str(camera.state()["reason"])
