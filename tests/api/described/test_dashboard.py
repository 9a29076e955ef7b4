"""The routes of the dashboard, without a browser."""

from __future__ import annotations

import asyncio
import posixpath
import re
from pathlib import Path

import pytest

from robotq.api.access.guard import KEY_COOKIE
from robotq.api.access.keys import KeyFile
from robotq.web.files import read_dashboard
from tests.api.conftest import StartLab
from tests.api.lab import BY_HAND, GO_HOME, PICK_UP_NOTHING, Answer, Lab

SAME_PAGE = {"Sec-Fetch-Site": "same-origin"}


async def test_page__runs_nothing_that_is_not_its_own(lab: Lab) -> None:
    page = await lab.get("/dashboard")
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:|\sstyle=|\son\w+=|<script>", page.text)


async def test_files__are_all_there_and_are_sent_once(lab: Lab) -> None:
    page = (await lab.get("/dashboard")).text
    for name in re.findall(r"dashboard/files/([\w./]+)", page):
        first = await lab.get(f"/dashboard/files/{name}")
        assert first.status == 200, name
        again = await lab.get(
            f"/dashboard/files/{name}", headers={"If-None-Match": first.headers["ETag"]}
        )
        assert (again.status, again.text) == (304, "")
    assert (await lab.get("/dashboard/files/page/__init__.py")).status == 404
    assert (await lab.get("/dashboard/files/page/..%2F..%2Ffiles.py")).status == 404


def test_file__imports_only_what_is_there_and_makes_no_markup() -> None:
    files = read_dashboard()
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\("
    for name, file in files.items():
        text = file.content.decode("utf-8")
        for imported in re.findall(r'from "([^"]+)"', text):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), imported))
            assert path in files, f"{name}: {path}"
        assert not re.search(markup, text), name
        # what git writes where two changes meet ends the whole page
        assert not re.search(r"^(<{7}|={7}|>{7})( |$)", text, re.MULTILINE), name


def test_words__are_there_for_every_key_that_is_used() -> None:
    files = read_dashboard()
    texts = "".join(
        file.content.decode() for name, file in files.items() if name.startswith("base/words")
    )
    words = set(re.findall(r'"([\w.]+)": \[', texts))
    used = {
        key
        for name, file in files.items()
        if name.endswith(".js")
        for key in re.findall(r'\bt\("([\w.]+)"', file.content.decode())
    }
    assert used - words == set()
    assert all(
        re.findall(r'"' + re.escape(key) + r'": \["[^"]+", "[^"]+"\]', texts) for key in words
    )


async def test_look__says_what_runs_what_waits_and_what_went_wrong(lab: Lab) -> None:
    failed = await lab.submit(PICK_UP_NOTHING)
    await lab.ended(failed)
    asking = await lab.asking()
    waiting = await lab.submit(GO_HOME)
    look = (await lab.get("/dashboard/look", headers={"Accept-Language": "en"})).body
    robot = look["robots"][0]
    assert robot["state"] == "running"
    assert robot["running"]["task_id"] == asking
    assert robot["running"]["waiting_for"]["prompt"] == BY_HAND["params"]["title"]  # type: ignore[index]
    assert [(line["task_id"], line["position"]) for line in robot["next"]] == [(waiting, 1)]
    assert look["ended"][0]["task_id"] == failed
    assert "bottle_of_another_lab" in look["ended"][0]["message"]
    assert look["counts"]["pending"] == 1


async def test_look__says_why_nothing_moves_and_what_clears_it(lab: Lab) -> None:
    await lab.post("/estop")
    look = (await lab.get("/dashboard/look")).body
    assert look["estop"]
    assert look["estop_holds"][0]["clear"]["path"] == "/estop/reset"


async def test_queue__is_read_in_windows(lab: Lab) -> None:
    await lab.asking()
    ids = (await lab.post("/", [GO_HOME] * 30))["task_ids"]
    part = (await lab.get("/dashboard/queue?robot_id=robot_a&offset=10&limit=5")).body
    assert part["waiting"] == 30
    assert [(line["position"], line["task_id"]) for line in part["tasks"]] == list(
        zip(range(11, 16), ids[10:15], strict=True)
    )
    assert (await lab.get("/dashboard/queue?robot_id=robot_a&offset=40")).body["tasks"] == []
    assert (await lab.get("/dashboard/queue?robot_id=nobody")).status == 400


async def test_queue__of_one_kind_keeps_the_places_in_the_whole_queue(lab: Lab) -> None:
    await lab.asking()
    await lab.post("/", [GO_HOME, BY_HAND, GO_HOME, BY_HAND, BY_HAND])
    part = (
        await lab.get("/dashboard/queue?robot_id=robot_a&cmd_type=MANUAL_STEP&offset=1&kinds=true")
    ).body
    assert part["waiting"] == 3
    assert [line["position"] for line in part["tasks"]] == [4, 5]
    assert part["kinds"] == {"MANUAL_STEP": 3, "NAVIGATION": 2}
    none = (await lab.get("/dashboard/queue?robot_id=robot_a&cmd_type=POUR")).body
    assert (none["waiting"], none["tasks"], none["kinds"]) == (0, [], None)


async def test_charts__tell_what_ended_since(lab: Lab) -> None:
    first = await lab.ended(await lab.submit())
    charts = (await lab.get("/dashboard/charts")).body
    assert [one["task_id"] for one in charts["ended"]] == [first["task_id"]]
    assert charts["complete"]
    assert charts["ended"][0]["message"] is None
    failed = await lab.ended(await lab.submit(PICK_UP_NOTHING))
    newest, _ = (await lab.get("/dashboard/charts")).body["ended"]
    assert (newest["error_code"], newest["message"]) == (failed["error_code"], failed["message"])
    later = (await lab.get(f"/dashboard/charts?after_ms={failed['ended_at_ms']}")).body
    assert later["ended"] == []


async def test_picture__shows_where_everything_is(lab: Lab) -> None:
    picture = (await lab.get("/dashboard/picture")).body
    slots = {slot for station in picture["lab"]["stations"].values() for slot in station["slots"]}
    assert {bottle["slot"] for bottle in picture["lab"]["bottles"]} <= slots
    assert {robot["robot_id"] for robot in picture["robots"]} == {"robot_a", "robot_b"}
    assert {robot["place"] for robot in picture["robots"]} <= set(picture["lab"]["places"])


async def test_requests__are_listed_without_what_was_in_them(lab: Lab) -> None:
    await lab.get("/task/nothing?secret=1")
    found = (await lab.get("/dashboard/requests")).body["requests"]
    last = found[-1]
    assert (last["method"], last["path"], last["status"]) == ("GET", "/task/nothing", 404)
    assert "secret" not in str(found)
    later = (await lab.get(f"/dashboard/requests?after={last['id']}")).body
    assert later["requests"] == []


async def kept(lab: Lab, key: str, **headers: str) -> Answer:
    """Have the browser keep a key, as the page does."""
    headers = {"Authorization": f"Bearer {key}", **headers}
    return await lab.post("/dashboard/session", {}, headers=headers)


async def key_of(folder: Path, name: str, *scopes: str) -> str:
    keys = await asyncio.to_thread(KeyFile, folder)
    return await asyncio.to_thread(keys.new, name, scopes)


async def test_session__lets_a_browser_in_and_out(start_lab: StartLab, tmp_path: Path) -> None:
    key = await key_of(tmp_path, "wall", "read", "submit")
    lab = await start_lab()
    assert (await lab.get("/dashboard")).status == 200
    assert (await lab.get("/dashboard/look")).status == 401
    assert (await kept(lab, key + "x")).status == 401
    begun = await kept(lab, key)
    cookie = begun.headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/"))
    assert "Secure" not in cookie
    # the test's client keeps the cookie, as a browser does
    assert (await lab.get("/dashboard/look")).body["you"]["name"] == "wall"
    ended = await lab.ask("DELETE", "/dashboard/session", headers=SAME_PAGE, data=b"{}")
    assert ended.status == 200
    assert (await lab.get("/dashboard/look")).status == 401


async def test_session__is_for_those_who_have_a_key(lab: Lab) -> None:
    refused = await kept(lab, "rq_of_another_daemon")
    assert (refused.status, "Set-Cookie" in refused.headers) == (401, False)


@pytest.mark.parametrize(("scope", "kept_on"), [("read", True), ("control", False)])
async def test_session__of_a_wall_is_renewed_and_no_other(
    start_lab: StartLab, tmp_path: Path, scope: str, kept_on: bool
) -> None:
    """A wall that hung there for 30 days asked for its key one morning, and showed nothing."""
    key = await key_of(tmp_path, "wall", scope)
    lab = await start_lab()
    await kept(lab, key)
    again = await lab.post("/dashboard/session", {}, headers=SAME_PAGE)
    assert again.status == (200 if kept_on else 401)
    assert ("Max-Age=2592000" in again.headers.get("Set-Cookie", "")) is kept_on
    stop = await lab.post("/estop", {"reason": "wall"}, headers=SAME_PAGE)
    assert stop.status == 200, "any key may stop"


async def test_session__is_encrypted_only_behind_an_encrypting_proxy(
    start_lab: StartLab, tmp_path: Path
) -> None:
    key = await key_of(tmp_path, "wall", "read")
    lab = await start_lab()
    begun = await kept(lab, key, **{"X-Forwarded-Proto": "https"})
    assert "Secure" in begun.headers["Set-Cookie"]


async def test_cookie__changes_nothing_for_a_page_of_another_site(
    start_lab: StartLab, tmp_path: Path
) -> None:
    key = await key_of(tmp_path, "wall", "submit")
    lab = await start_lab()
    cookie = {"Cookie": f"{KEY_COOKIE}={key}"}
    elsewhere = await lab.post("/", GO_HOME, headers={**cookie, "Origin": "http://evil.example"})
    assert (elsewhere.status, elsewhere["error_code"]) == (403, "cross_site")
    same_machine = await lab.post("/", GO_HOME, headers={**cookie, "Sec-Fetch-Site": "same-site"})
    assert same_machine["error_code"] == "cross_site"
    # a browser that does not say which page asks is not believed
    assert (await lab.post("/", GO_HOME, headers=cookie)).status == 401
    assert (await lab.post("/", GO_HOME, headers={**cookie, **SAME_PAGE})).status == 200


async def test_session__is_refused_to_a_page_of_another_site(
    start_lab: StartLab, tmp_path: Path
) -> None:
    key = await key_of(tmp_path, "wall", "read")
    lab = await start_lab()
    refused = await kept(lab, key, Origin="http://evil.example")
    assert (refused.status, "Set-Cookie" in refused.headers) == (403, False)
