"""Files are whole at every moment, and stay what they were if a write fails."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from robotq.system.durable import replacing, write_all_durably, write_durably


def names_in(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def test_write__is_there_and_leaves_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    for content in (b"first", b"second, which is longer", b""):
        write_durably(file, content)
        assert file.read_bytes() == content
        assert names_in(tmp_path) == ["keys.yaml"]
    write_all_durably([(file, b"second"), (file, b"third")])
    assert (file.read_bytes(), names_in(tmp_path)) == (b"third", ["keys.yaml"])


@pytest.mark.parametrize("shared", [False, True])
def test_write_that_fails__leaves_what_was_there(tmp_path: Path, shared: bool) -> None:
    file = tmp_path / "lab.json"
    write_durably(file, b"before")

    def breaks_off() -> None:
        with replacing(file, shared=shared) as stream:
            stream.write(b"half of ")
            stream.flush()
            assert file.read_bytes() == b"before"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        breaks_off()
    assert (file.read_bytes(), names_in(tmp_path)) == (b"before", ["lab.json"])


def test_half_that_a_killed_process_has_left__is_taken_over(tmp_path: Path) -> None:
    left = tmp_path / ".keys.yaml.tmp"
    left.write_bytes(b"what it was about to write, and much longer than this time")
    left.chmod(0o644)
    with replacing(tmp_path / "keys.yaml", private=True) as stream:
        assert left.stat().st_mode & 0o777 == 0o600
        stream.write(b"new")
    assert (tmp_path / "keys.yaml").read_bytes() == b"new"
    assert (tmp_path / "keys.yaml").stat().st_mode & 0o777 == 0o600


def test_private__is_for_the_owner_only_and_others_as_the_system_says(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        write_durably(tmp_path / "note", b"")
        write_durably(tmp_path / "secret", b"", private=True)
    finally:
        os.umask(mask)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert modes == {"note": 0o644, "secret": 0o600}


def test_shared__many_may_write_at_once_and_one_of_them_stays_whole(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    contents = [bytes([65 + number]) * 100_000 for number in range(8)]
    writers = [
        threading.Thread(target=write_durably, args=(file, content), kwargs={"shared": True})
        for content in contents
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert file.read_bytes() in contents
    assert names_in(tmp_path) == ["result.json"]


def test_folder_that_is_not_there__is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_durably(tmp_path / "nowhere" / "file", b"x")
