"""The keys: made, listed, revoked, found, and taken over from the file."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import resource
import stat
from pathlib import Path

import pytest

from robotq.api.access.keys import KeyFile
from robotq.api.access.scopes import allows, is_scope
from robotq.model.errors import ConfigError


def test_new__makes_a_key_that_is_found_and_not_kept(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path)
    text = keys.new("lab-pc", ["read", "submit"])
    assert text.startswith("rq_")
    assert len(text) == 3 + 43, "256 bits"
    assert keys.required
    found = keys.find(text)
    assert found is not None
    assert (found.name, found.scopes) == ("lab-pc", ("read", "submit"))
    written = keys.path.read_text()
    assert text not in written
    assert hashlib.sha256(text.encode()).hexdigest() in written


def test_new__the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path)
    old_mask = os.umask(0)
    try:
        keys.new("a", ["read"])
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert sorted(tmp_path.iterdir()) == [keys.noted, keys.path]
    assert stat.S_IMODE(keys.noted.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "scopes", "fault"),
    [
        ("", ["read"], "name"),
        ("two words", ["read"], "name"),
        ("anonymous", ["read"], "name"),
        ("x" * 65, ["read"], "name"),
        ("taken", ["read"], "exists already"),
        ("new", [], "at least one"),
        ("new", ["write"], "found 'write', expected one of read, submit, agent, control, admin"),
        ("new", ["worker:"], "worker:"),
    ],
)
def test_new__a_bad_name_or_scope_is_refused_and_named(
    tmp_path: Path, name: str, scopes: list[str], fault: str
) -> None:
    keys = KeyFile(tmp_path)
    keys.new("taken", ["read"])
    before = keys.path.read_bytes()
    with pytest.raises(ConfigError, match=fault):
        keys.new(name, scopes)
    assert keys.path.read_bytes() == before


def test_revoke__takes_the_key_and_no_other(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path)
    gone, kept = keys.new("gone", ["read"]), keys.new("kept", ["worker:gpu"])
    keys.revoke("gone")
    assert keys.find(gone) is None
    assert keys.find(kept) is not None
    assert [key.name for key in KeyFile(tmp_path).read()] == ["kept"]
    with pytest.raises(ConfigError, match="no key 'gone'; there are: kept"):
        keys.revoke("gone")


@pytest.mark.parametrize("presented", ["", "rq_", "rq_" + "A" * 43, "\udcff", "秘密"])
def test_find__what_is_no_key_finds_none(tmp_path: Path, presented: str) -> None:
    keys = KeyFile(tmp_path)
    keys.new("a", ["read"])
    assert keys.find(presented) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("keys: 7", "expected `keys:` with a list and nothing else"),
        ("keyz: []", "expected `keys:` with a list and nothing else"),
        ("- a", "expected `keys:` with a list and nothing else"),
        ("keys: [a]", r"keys\[0\]"),
        ("keys:\n- {name: a, sha256: 00, scopes: [read], created: x}", r"yaml:2: keys\[0\].sha256"),
        ("keys: [", "while parsing"),
    ],
)
def test_file__a_broken_one_is_refused_with_its_place(
    tmp_path: Path, text: str, fault: str
) -> None:
    (tmp_path / "keys.yaml").write_text(text)
    with pytest.raises(ConfigError, match=fault):
        KeyFile(tmp_path)


def test_file__the_same_name_twice_is_refused(tmp_path: Path) -> None:
    row = f"{{name: a, sha256: {'a' * 64}, scopes: [read], created: x}}"
    (tmp_path / "keys.yaml").write_text(f"keys: [{row}, {row}]")
    with pytest.raises(ConfigError, match="a second time"):
        KeyFile(tmp_path)


def test_required__not_before_the_first_key_and_from_then_on_whatever_becomes_of_it(
    tmp_path: Path,
) -> None:
    assert not KeyFile(tmp_path).required
    KeyFile(tmp_path).new("only", ["read"])
    KeyFile(tmp_path).revoke("only")
    assert KeyFile(tmp_path).required, "the last key is revoked"
    (tmp_path / "keys.yaml").unlink()
    assert KeyFile(tmp_path).required, "the data folder remembers without the file"


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "keys: []\n", "{}\n", "keys: []"])
def test_required__a_file_without_a_key_lets_nobody_in(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.yaml").write_text(text)
    keys = KeyFile(tmp_path)
    assert keys.required
    keys.note()
    keys.path.unlink()
    assert KeyFile(tmp_path).required


def test_open__is_the_only_way_back(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path)
    text = keys.new("a", ["admin"])
    assert list(keys.open()) == ["a"]
    assert not keys.required
    assert keys.find(text) is None
    assert not KeyFile(tmp_path).required
    keys.new("b", ["admin"])
    assert KeyFile(tmp_path).required, "the next key closes it again"


@pytest.mark.parametrize(
    "text", ["open: true\nkeys: []", "open: false", "open: 1", "open: yes please"]
)
def test_open__the_word_is_exactly_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.yaml").write_text(text)
    with pytest.raises(ConfigError, match="open: true"):
        KeyFile(tmp_path)


async def test_watch__changes_by_another_process_are_taken_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path, check_s=0.005)
    watching = asyncio.create_task(keys.watch())
    other = await asyncio.to_thread(KeyFile, tmp_path)
    text = await asyncio.to_thread(other.new, "a", ["read"])
    async with asyncio.timeout(5):
        while keys.find(text) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        with caplog.at_level(logging.ERROR):
            broken = tmp_path / "edited.yaml"
            await asyncio.to_thread(broken.write_text, "keys: [")
            # in one step: between an empty file and a broken one there would be no keys
            await asyncio.to_thread(broken.replace, other.path)
            while not caplog.records:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        assert keys.find(text) is not None, "a broken file takes nobody's key away"
        await asyncio.to_thread(other.path.unlink)
        while keys.find(text) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        assert keys.required, "a file that vanishes lets nobody in"
    watching.cancel()


def test_scopes__admin_may_everything_and_the_others_only_themselves() -> None:
    assert allows(["admin"], "control")
    assert allows(["admin"], "worker:gpu")
    assert not allows(["control"], "submit")
    assert not allows(["submit"], "read")
    assert allows([], "any")
    assert is_scope("worker:gpu-cluster")
    assert not is_scope("open")
    assert not is_scope("any")


async def test_watch__a_file_that_cannot_be_read_right_now_is_read_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A key is revoked while a crowd has taken every descriptor."""
    keys = await asyncio.to_thread(KeyFile, tmp_path, check_s=0.005)
    text = await asyncio.to_thread(keys.new, "a", ["admin"])
    other = await asyncio.to_thread(KeyFile, tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    crowd = [os.open(os.devnull, os.O_RDONLY)]
    await asyncio.to_thread(other.revoke, "a")
    resource.setrlimit(resource.RLIMIT_NOFILE, (crowd[0] + 8, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                crowd.append(os.dup(crowd[0]))
        watching = asyncio.create_task(keys.watch())
        async with asyncio.timeout(5):
            while not caplog.records:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
    finally:
        for descriptor in crowd:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert keys.find(text) is not None
    async with asyncio.timeout(5):
        while keys.find(text) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    assert len([one for one in caplog.records if one.levelno >= logging.ERROR]) == 1
    watching.cancel()


@pytest.mark.skipif(os.name == "nt", reason="a folder cannot be synced there")
def test_revoke__is_on_disk_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut right after the command has ended brings no key back."""
    keys = KeyFile(tmp_path)
    keys.new("a", ["admin"])
    keys.new("b", ["read"])
    synced: list[tuple[int, bool]] = []
    real = os.fsync

    def noted(descriptor: int) -> None:
        real(descriptor)
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append((keys.path.stat().st_ino, is_folder))

    monkeypatch.setattr(os, "fsync", noted)
    keys.revoke("a")
    assert synced[-1] == (keys.path.stat().st_ino, True), "the folder, after the new name"
