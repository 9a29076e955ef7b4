"""A camera by its address: only a picture that was taken after the read has begun counts."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from robotq.drivers.base import DriverError, Stopped
from robotq.drivers.reading import Section
from robotq.drivers.scanner import CodeReader, read_scanner_options, reader_of

from .pictures import Images, Label, encoded, of, placed
from .server import CameraServer, Reply, at, basic, camera_server

pytestmark = pytest.mark.wall("files and HTTP date pictures by the clock of the wall")

OLD, NEW, NEWER = of("OLD"), of("NEW"), of("NEWER")
Made = Callable[..., CodeReader]


@pytest.fixture
def server() -> Iterator[CameraServer]:
    with camera_server() as server:
        yield server


@pytest.fixture
def made(server: CameraServer) -> Iterator[Made]:
    with ExitStack() as stack:

        def make(**given: Any) -> CodeReader:
            section = {"kind": "camera", "url": server.url, "time_header": "X-Taken",
                       "every_s": 0.02, "not_again_s": 0, **given}  # fmt: skip
            options = read_scanner_options(
                Section({"scanner": {k: v for k, v in section.items() if v is not None}}, str)
            )
            assert options is not None
            camera = reader_of("arm", options)
            stack.callback(camera.close)
            return camera

        yield make


class Kept(list[tuple[str, str, bytes]]):
    def __call__(self, name: str, media_type: str, data: bytes, *, needed: bool = False) -> str:
        self.append((name, media_type, data))
        return name


def read(camera: CodeReader, timeout_s: float = 0.3, keep: Any = None) -> str | None:
    return camera.read(timeout_s, lambda: None, keep if keep is not None else Kept())


def refused(camera: CodeReader, code: str, timeout_s: float = 0.3) -> DriverError:
    with pytest.raises(DriverError) as error:
        read(camera, timeout_s)
    assert error.value.code == code, error.value.args_
    return error.value


def test_read__gives_the_code_and_keeps_its_picture(server: CameraServer, made: Made) -> None:
    server.shows(OLD, NEW)
    camera = made()
    kept = Kept()
    assert read(camera, keep=kept) == "NEW"
    assert kept == [("picture.png", "image/png", NEW)]
    state = camera.state()
    assert (state["connected"], state["port"], state["dated"]) == (True, server.url, True)
    assert state["picture"] == "640x480"


def test_read__without_a_code_keeps_the_picture_too(server: CameraServer, made: Made) -> None:
    nothing = [encoded(Images.new("L", (64 + number, 48), 200)) for number in range(40)]
    server.shows(*nothing)
    kept = Kept()
    assert read(made(), keep=kept) is None
    assert [name for name, _, _ in kept] == ["picture.png"]


@pytest.mark.parametrize(("picture", "most"), [("dropped", 0), ("needed", 1)])
def test_picture__is_kept_as_the_options_say(
    server: CameraServer, made: Made, picture: str, most: int
) -> None:
    server.shows(OLD, NEW)
    kept = Kept()
    assert read(made(picture=picture), keep=kept) == "NEW"
    assert len(kept) == most


def test_same_picture_again__is_refused(server: CameraServer, made: Made) -> None:
    server.shows(OLD)
    error = refused(made(), "picture_refused")
    assert error.args_["reason"] == "reason.picture_same"
    assert len(server.asked) > 3


def test_older_picture__is_refused_until_a_newer_one_comes(
    server: CameraServer, made: Made
) -> None:
    began = time.time()

    def reply(number: int, _: Mapping[str, str]) -> Reply:
        # the camera shows what it had in its memory three times
        taken = began - 1 if number < 4 else time.time()
        return Reply(OLD if number < 4 else NEW, headers={"X-Taken": repr(taken)})

    server.reply = reply
    camera = made()
    assert read(camera, 5) == "NEW"
    server.reply = lambda *_: Reply(NEWER, headers={"X-Taken": repr(began - 1)})
    assert refused(camera, "picture_refused").args_["reason"] == "reason.picture_old"


@pytest.mark.slow
def test_last_modified__is_held_against_the_clock_of_the_camera(
    server: CameraServer, made: Made
) -> None:
    """Its clock is an hour slow, and dates are cut to whole seconds."""
    slow = -3_600.0

    def reply(number: int, _: Mapping[str, str]) -> Reply:
        now = time.time() + slow
        # taken at the moment of each request
        return Reply(
            encoded(placed([Label("QRCode", "FRESH")], random.Random(number))),
            headers={"Last-Modified": at(now)}, date_s=slow,
        )  # fmt: skip

    server.reply = reply
    camera = made(time_header=None, discard=0)
    assert read(camera, 5) == "FRESH"
    # what was taken two seconds before it was asked for is never taken, however often it comes
    server.reply = lambda number, _: Reply(
        encoded(placed([Label("QRCode", "STALE")], random.Random(number))),
        headers={"Last-Modified": at(began + slow - 2)},
        date_s=slow,
    )
    began = time.time()
    assert refused(camera, "picture_refused", 2.5).args_["reason"] == "reason.picture_old"


def test_cache__in_between_is_seen_by_the_age_that_it_tells(
    server: CameraServer, made: Made
) -> None:
    numbers = iter(range(1_000))
    server.reply = lambda *_: Reply(
        encoded(placed([Label("QRCode", "CACHED")], random.Random(next(numbers)))),
        headers={"Age": "7"},
    )
    camera = made(time_header=None)
    assert refused(camera, "picture_refused").args_["reason"] == "reason.picture_old"


def test_camera__that_tells_no_time_has_its_first_picture_thrown_away(
    server: CameraServer, made: Made
) -> None:
    """It hands out what it has had in its memory since the last request."""
    memory = [of("A"), of("B"), of("C"), of("D"), of("E")]
    server.reply = lambda number, _: Reply(memory[min(number, 4)])
    camera = made(time_header=None)
    camera.require()
    assert read(camera) == "C"
    assert camera.state()["dated"] is False
    assert read(camera) == "E"
    assert refused(camera, "picture_refused").args_["reason"] == "reason.picture_same"


@pytest.mark.parametrize(
    ("taken", "reason"),
    [("", "undated"), ("yesterday", "undated"), ("2026-11-29T12:00:00", "undated"),
     (repr(4e9), "ahead"), ("nan", "undated"), ("-5", "undated")],
)  # fmt: skip
def test_own_header__that_tells_no_time_is_a_fault(
    server: CameraServer, made: Made, taken: str, reason: str
) -> None:
    server.reply = lambda *_: Reply(NEW, headers={"X-Taken": taken} if taken else {})
    camera = made()
    error = refused(camera, "scanner_absent")
    assert ("no time in its header X-Taken" in str(error)) == (reason == "undated")
    assert camera.state()["connected"] is False


def test_two_codes__are_refused_unless_a_region_is_set(server: CameraServer, made: Made) -> None:
    both = [Label("QRCode", "left"), Label("QRCode", "right")]
    pictures = [encoded(placed(both, random.Random(n), turned=False), quality=90) for n in range(9)]
    assert len(set(pictures)) > 3
    server.shows(*pictures)
    error = refused(made(), "code_refused")
    assert error.args_["reason"] == "reason.codes_in_view"
    server.shows(*pictures)
    assert read(made(region=[0.5, 0, 0.5, 1])) == "right"


@pytest.mark.slow
def test_code_before__is_not_given_again_so_soon(server: CameraServer, made: Made) -> None:
    server.shows(*(encoded(placed([Label("QRCode", "SAME")], random.Random(n))) for n in range(99)))
    camera = made(not_again_s=0.6)
    assert read(camera) == "SAME"
    assert read(camera, 0.1) is None
    assert read(camera, 5) == "SAME"


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(status=404), "status 404"),
        (Reply(status=401), "another `user`"),
        (Reply(b"<html>", media_type="text/html"), "no picture"),
        (Reply(NEW, media_type=None), "no picture"),
        (Reply(b"--x", media_type="multipart/x-mixed-replace; boundary=x"), "is a film"),
        (Reply(NEW, headers={"Content-Encoding": "gzip"}), "packed"),
        (Reply(status=302, headers={"Location": "http://127.0.0.1:9/x"}), "another address"),
        (Reply(status=302, headers={"Location": "//elsewhere.example/x"}), "another address"),
        (Reply(status=302, headers={"Location": "file:///etc/passwd"}), "another address"),
        (Reply(status=302, headers={"Location": "/snapshot.jpg"}), "from one address to the next"),
        (Reply(status=302), "another address"),
        (Reply(NEW, length=2**40), "larger than"),
        (Reply(NEW, length=len(NEW) + 5, pause_s=0), "did not answer within"),
        (Reply(NEW, pause_s=30), "did not answer within"),
    ],
)
def test_answer__that_is_no_picture_is_an_absent_camera(
    server: CameraServer, made: Made, reply: Reply, told: str
) -> None:
    reply.headers.setdefault("X-Taken", repr(time.time() + 3))
    server.reply = lambda *_: reply
    camera = made(picture_s=0.3)
    with pytest.raises(DriverError, match=told) as error:
        camera.require()
    assert error.value.code == "scanner_absent"
    assert camera.state()["reason"] == str(error.value)


def test_redirect__to_the_same_camera_is_followed(server: CameraServer, made: Made) -> None:
    def reply(number: int, _: Mapping[str, str]) -> Reply:
        if server.asked[-1][0] != "/now.png":
            return Reply(status=307, headers={"Location": "/now.png"})
        return Reply(of(f"N{number}"), headers={"X-Taken": repr(time.time())})

    server.reply = reply
    assert str(read(made())).startswith("N")


def test_endless_answer__ends_at_its_limit(server: CameraServer, made: Made) -> None:
    server.reply = lambda *_: Reply(bytes(3_000), headers={"X-Taken": repr(time.time())})
    with pytest.raises(DriverError, match="larger than 1024 bytes"):
        made(max_bytes=1_024).require()


def test_password__is_sent_and_never_told(
    server: CameraServer, made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    right = basic("robotq", "s3cret")

    def reply(number: int, headers: Mapping[str, str]) -> Reply:
        if headers.get("authorization") != right:
            return Reply(status=401)
        return Reply(of(f"N{number}"), headers={"X-Taken": repr(time.time())})

    server.reply = reply
    url = f"{server.url}?token=t0ken"
    camera = made(url=url, user="robotq", password="s3cret")
    assert read(camera)
    assert server.asked[-1][0].endswith("?token=t0ken")
    wrong = made(url=url, user="robotq", password="s3cret?")
    with pytest.raises(DriverError) as error:
        wrong.require()
    unreachable = made(url="http://127.0.0.1:9/x?token=t0ken", user="robotq", password="s3cret")
    with pytest.raises(DriverError) as gone:
        unreachable.require()
    told = (caplog.text, str(error.value), str(gone.value), str(camera.state()),
            str(wrong.state()), str(unreachable.state()), repr(camera.options))  # fmt: skip
    assert not any("s3cret" in one for one in told)
    assert not any("t0ken" in one for one in told[:-1])


def test_digest__is_understood(server: CameraServer, made: Made) -> None:
    def reply(number: int, headers: Mapping[str, str]) -> Reply:
        if not headers.get("authorization", "").startswith("Digest "):
            ask = 'Digest realm="cam", nonce="n1", qop="auth", algorithm=MD5'
            return Reply(status=401, headers={"WWW-Authenticate": ask})
        return Reply(of(f"N{number}"), headers={"X-Taken": repr(time.time())})

    server.reply = reply
    assert read(made(user="robotq", password="x", auth="digest"))
    assert "x" not in server.asked[-1][1]["authorization"].split('response="')[0].split("=")


def test_stop__ends_a_read_at_once(server: CameraServer, made: Made) -> None:
    server.shows(OLD)
    camera = made(picture_s=30)
    camera.require()
    server.reply = lambda *_: Reply(NEW, headers={"X-Taken": repr(time.time() + 1)}, pause_s=20)
    began = time.monotonic()

    def check() -> None:
        if time.monotonic() - began > 0.2:
            raise Stopped

    with pytest.raises(Stopped):
        camera.read(20, check)
    assert time.monotonic() - began < 2
    # and the next read has its turn
    server.shows(NEWER)
    assert read(camera, 5) == "NEWER"


def test_camera__that_comes_back_is_found_by_itself(server: CameraServer, made: Made) -> None:
    camera = made(wait_s=10)
    camera.start()
    deadline = time.monotonic() + 5
    while "404" not in str(camera.state().get("reason")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    server.shows(OLD, NEW)
    camera.require()
    assert camera.ready
    assert read(camera) == "NEW"


def test_closed__camera_gives_nothing(server: CameraServer, made: Made) -> None:
    server.shows(OLD, NEW)
    camera = made()
    camera.require()
    camera.close()
    with pytest.raises(DriverError, match="closed"):
        read(camera)
