"""Files by their content: there once, whole after a crash, and never taken from who names them."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from robotq.system.kept_files import FileRoom, NotAsKept, RoomFull

PART = b"G21 G90\nG1 X10 F600\n"
SHA256 = hashlib.sha256(PART).hexdigest()


def room(folder: Path, most: int = 1_000) -> FileRoom:
    return FileRoom(folder / "programs", lambda: most)


def files_in(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def take_in(kept: FileRoom, *blocks: bytes) -> str:
    with kept.incoming() as half:
        for block in blocks:
            half.write(block)
        return kept.keep(half)


def content(stream: BinaryIO) -> bytes:
    with stream:
        return stream.read()


def sweep(kept: FileRoom, *named: str) -> int:
    with kept.sweeping() as under_way:
        under_way.remove_all_but(named)
    return under_way.removed


def test_the_same_content__in_pieces_or_at_once_is_there_once(tmp_path: Path) -> None:
    kept = room(tmp_path)
    assert take_in(kept, PART[:5], PART[5:]) == kept.put(PART) == SHA256
    assert files_in(tmp_path) == [f"programs/{SHA256[:2]}/{SHA256}"]
    assert kept.used == len(PART)
    assert content(kept.checked(SHA256)) == PART
    assert list(kept.files()) == [(SHA256, len(PART))]
    # nobody else on this machine reads somebody's programs
    assert kept.path(SHA256).stat().st_mode & 0o077 == 0


def test_what_is_not_kept__leaves_nothing(tmp_path: Path) -> None:
    kept = room(tmp_path)
    with kept.incoming() as half:
        half.write(PART)
        assert content(half.reading()) == PART
    assert files_in(tmp_path) == []
    assert take_in(kept, b"x" * 1_000)


def test_all_of_them_together__have_a_bound(tmp_path: Path) -> None:
    kept = room(tmp_path)
    kept.put(b"a" * 600)
    with pytest.raises(RoomFull) as error:
        kept.put(b"b" * 401)
    assert (error.value.used, error.value.most) == (600, 1_000)
    with kept.incoming() as half:
        half.write(b"c" * 300)
        with pytest.raises(RoomFull):
            # what is still on its way counts
            kept.put(b"d" * 200)
    # what is there already takes no room
    assert kept.put(b"a" * 600)
    assert room(tmp_path).used == 600


def test_a_sweep__takes_what_nothing_names_and_nobody_holds(tmp_path: Path) -> None:
    kept = room(tmp_path)
    named, held, left = (kept.put(content) for content in (b"named", b"held", b"left"))
    kept.release(named)
    kept.release(left)
    assert sweep(kept, named) == 1
    assert {sha256 for sha256, _ in kept.files()} == {named, held}
    assert kept.used == len(b"named" + b"held")
    assert not kept.has(left, 4)


def test_a_sweep__spares_what_was_named_while_it_looked(tmp_path: Path) -> None:
    """A retry is committed between the question who names a file and its removal."""
    kept = room(tmp_path)
    kept.release(kept.put(PART))
    with kept.sweeping() as under_way:
        kept.pin(SHA256)
        kept.release(SHA256)
        under_way.remove_all_but(())
    assert kept.has(SHA256, len(PART))
    assert sweep(kept) == 1


def test_a_file_that_is_held_twice__stays_until_both_have_released_it(tmp_path: Path) -> None:
    kept = room(tmp_path)
    kept.put(PART)
    kept.put(PART)
    kept.release(SHA256)
    assert sweep(kept) == 0
    kept.release(SHA256)
    assert sweep(kept) == 1


@pytest.mark.parametrize("damage", ["other", "shorter", "gone"])
def test_a_damaged_file__is_seen_and_made_whole_by_the_same_content(
    damage: str, tmp_path: Path
) -> None:
    kept = room(tmp_path)
    kept.put(PART)
    file = kept.path(SHA256)
    match damage:
        case "other":
            file.write_bytes(PART.replace(b"X10", b"X99"))
        case "shorter":
            file.write_bytes(PART[:-5])
        case _:
            file.unlink()
    with pytest.raises(NotAsKept, match="missing" if damage == "gone" else "not what was kept"):
        kept.checked(SHA256)
    assert kept.put(PART) == SHA256
    assert content(kept.checked(SHA256)) == PART


def test_a_start__clears_what_a_crash_has_left_half(tmp_path: Path) -> None:
    kept = room(tmp_path)
    kept.put(PART)
    (kept.folder / ".incoming-0.tmp").write_bytes(b"half")
    (kept.path(SHA256).parent / f".{SHA256}-1.tmp").write_bytes(b"half")
    assert room(tmp_path).clear_halves() == 2
    assert len(files_in(tmp_path)) == 1


def test_many_at_once__lose_nothing_that_they_hold(tmp_path: Path) -> None:
    kept = room(tmp_path, most=100_000)
    missing: list[str] = []
    over = threading.Event()

    def clean() -> None:
        while not over.is_set():
            sweep(kept)

    def hand_in(number: int) -> None:
        for count in range(30):
            text = f"{(number + count) % 7}".encode()
            sha256 = kept.put(text)
            if not kept.has(sha256, len(text)):
                missing.append(sha256)
            kept.release(sha256)

    cleaning = threading.Thread(target=clean)
    cleaning.start()
    people = [threading.Thread(target=hand_in, args=(number,)) for number in range(3)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    over.set()
    cleaning.join()
    assert missing == []
    sweep(kept)
    assert (kept.used, files_in(tmp_path)) == (0, [])


@pytest.mark.parametrize("name", ["", "../../robotq.db", "A" * 64, "0" * 63])
def test_a_name__is_a_sha256_and_no_way_out_of_the_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        room(tmp_path).path(name)
