"""Telling people who are not there: once an incident, again where nobody acknowledges it, and
over restarts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from robotq.config import NotifyConfig
from robotq.engine.notify.incident import Notice, restored
from robotq.engine.notify.notifier import Notifier
from robotq.engine.notify.outbox import Outbox
from robotq.engine.notify.receivers import Receivers, check, read_urls
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.model.texts import Language
from tests.engine.conftest import Lab, StartLab
from tests.receiver import Receiver
from tests.smtp import running_mail_server

pytest.importorskip("apprise", reason="the extra notify is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # of apprise's plugins

NOON_MS = int(time.mktime((2026, 3, 2, 12, 0, 0, 0, 0, -1)) * 1000)
HOUR_MS = 3_600_000


class Standing(msgspec.Struct, kw_only=True):
    """An alarm as it stands."""

    code: str
    priority: str = "medium"
    queue: str = "robot_a"
    task_id: str | None = None
    id: str = "hold_1"
    acknowledged_by: str | None = None


class Clock:
    def __init__(self) -> None:
        self.ms = NOON_MS

    def now_ms(self) -> int:
        return self.ms

    def steady_ms(self) -> int:
        return self.ms


class Site:
    """Who follows the alarms of a site, by a clock of ours; messages end in `told`."""

    def __init__(
        self, lab: Lab, facts: Mapping[str, JsonObject], config: NotifyConfig, clock: Clock
    ) -> None:
        self.lab, self.clock = lab, clock
        self.alarms: list[Standing] = []
        self.told: list[Notice] = []
        self.problem = ""
        """What the service says; empty where it takes everything."""
        base = lab.engine._parts.base
        incidents, notices = restored(facts)
        self.receivers = Receivers(base.settings)
        self.receivers.to = read_urls(config.to)
        self.receivers.escalate_to = read_urls(config.escalate_to) or self.receivers.to
        self.outbox = Outbox(
            commit=base.commit,
            clock=clock,
            notices=notices,
            targets=self.receivers.all,
            send=self.send,
            pause_s=0.005,
        )
        self.notifier = Notifier(
            config=lambda: config,
            language=lambda: Language.EN,
            clock=clock,
            commit=base.commit,
            standing=lambda: self.alarms,
            words_of=lambda alarm: f"because of {alarm.code}",
            open_before=incidents,
            outbox=self.outbox,
            receivers=self.receivers,
            now=lambda: clock.ms / 1000,
        )

    def send(self, url: str, notice: Notice) -> str:
        if not self.problem:
            self.told.append(notice)
        return self.problem

    async def after(self, seconds: float, *alarms: Standing) -> list[str]:
        """So much later these stand; the titles of all that was told by then."""
        self.alarms = list(alarms)
        self.clock.ms += int(seconds * 1000)
        await self.notifier.look()
        return await self.titles()

    async def titles(self) -> list[str]:
        if not self.problem:
            await self.lab.until(lambda: not self.outbox.statistics().pending)
        return [notice.title.removeprefix("robotq: ") for notice in self.told]


async def facts_of(lab: Lab) -> Mapping[str, JsonObject]:
    return (await lab.disk.data.open(finished=0)).facts


@asynccontextmanager
async def following(lab: Lab, clock: Clock | None = None, **config: Any) -> AsyncIterator[Site]:
    told = NotifyConfig(**{"to": ["json://127.0.0.1:1/"], **config})
    # what the run before has left on the disk
    facts = await facts_of(lab)
    site = Site(lab, facts, told, clock or Clock())
    site.outbox.start()
    yield site
    await site.outbox.stop(0)


LOST = Standing(code="disconnected")
STOP = Standing(code="estop", priority="high", queue="", id="stop-1")
ASKS = Standing(code="question", task_id="task_1")


async def test_link__that_is_lost_is_told_once_however_often_it_is_looked_for(lab: Lab) -> None:
    async with following(lab) as site:
        assert await site.after(0, LOST) == []
        # each attempt sets the hold anew, under another id
        assert await site.after(29, Standing(code="disconnected", id="hold_2")) == []
        for second in range(20):
            told = await site.after(10, Standing(code="disconnected", id=f"hold_{second}"))
            assert told == ["robot_a: The robot is not connected"]
        # it comes back for a moment, and is gone again: the same incident
        assert len(await site.after(1)) == 1
        assert len(await site.after(20, LOST)) == 1
        # it was there for long enough: the next loss is another one
        await site.after(1)
        await site.after(31)
        assert len(await site.after(1, LOST)) == 1
        assert len(await site.after(31, LOST)) == 2


async def test_blip__is_no_news_and_a_stop_is_told_at_once(lab: Lab) -> None:
    async with following(lab) as site:
        await site.after(0, LOST, ASKS)
        await site.after(4, LOST)
        assert await site.after(1) == []
        assert await site.after(0, STOP) == ["all robots: Emergency stop"]
        (told,) = site.told
        assert told.level == "failure"
        assert told.body.splitlines()[0] == "because of estop"


async def test_events__that_nobody_wants_are_not_told(lab: Lab) -> None:
    async with following(lab, events=["estop"], after_s=0) as site:
        paused = Standing(code="paused", priority="low")
        assert await site.after(0, ASKS, paused) == []
        assert await site.after(99, ASKS, paused) == []
    async with following(lab, after_s=0) as site:
        assert await site.after(0, paused) == []


async def test_question__that_nobody_acknowledges_is_told_to_somebody_else(lab: Lab) -> None:
    urls: dict[str, Any] = {
        "to": ["json://127.0.0.1:1/desk"],
        "escalate_to": ["json://127.0.0.1:1/chief"],
    }
    async with following(lab, escalate_after_s=600, after_s=0, **urls) as site:
        await site.after(0, ASKS)
        assert await site.after(599, ASKS) == ["robot_a: Somebody is needed"]
        told = await site.after(2, ASKS)
        assert told[1] == "robot_a: Not acknowledged for 10 min: Somebody is needed"
        assert site.told[0].target != site.told[1].target
        assert len(await site.after(9_000, ASKS)) == 2


@pytest.mark.parametrize("when", ["at once", "before a restart"])
async def test_acknowledged__by_somebody_it_goes_no_further(lab: Lab, when: str) -> None:
    clock = Clock()
    seen = Standing(code="question", task_id="task_1", acknowledged_by="li")
    async with following(lab, clock=clock, escalate_after_s=600, after_s=0) as site:
        await site.after(0, ASKS)
        await site.after(60, seen)
        if when == "at once":
            assert len(await site.after(9_000, seen)) == 1
            return
    async with following(lab, clock=clock, escalate_after_s=600, after_s=0) as again:
        # the page shows it as new after a start; nobody is called for it again
        assert await again.after(9_000, ASKS) == []


async def test_night__is_quiet_but_for_what_cannot_wait(lab: Lab) -> None:
    quiet: dict[str, Any] = {
        "quiet_from": "22:00",
        "quiet_until": "07:00",
        "after_s": 0,
        "escalate_after_s": 60,
    }
    async with following(lab, **quiet) as site:
        site.clock.ms += 12 * HOUR_MS
        other = Standing(code="question", task_id="task_2", queue="robot_b")
        assert await site.after(0, ASKS, other) == []
        assert await site.after(600, ASKS, other, STOP) == ["all robots: Emergency stop"]
        # one is over before the morning: nobody hears of it
        await site.after(60, ASKS, STOP)
        await site.after(60, ASKS, STOP)
        site.clock.ms = NOON_MS + 19 * HOUR_MS - 60_000
        before = await site.after(0, ASKS, STOP)
        assert not any("Somebody is needed" in title for title in before)
        told = await site.after(61, ASKS, STOP)
        assert told.count("robot_a: Somebody is needed") == 1
        assert not any("robot_b" in title for title in told)


async def test_night__holds_back_a_stop_only_where_the_site_says_so(lab: Lab) -> None:
    quiet: dict[str, Any] = {"quiet_from": "11:00", "quiet_until": "13:00", "quiet_high": True}
    async with following(lab, **quiet) as site:
        assert await site.after(0, STOP) == []
        assert await site.after(3_601, STOP) == ["all robots: Emergency stop"]


async def test_end__is_told_where_the_site_wants_it(lab: Lab) -> None:
    async with following(lab, tell_end=True, after_s=0, over_s=0) as site:
        await site.after(0, ASKS)
        assert await site.after(1) == [
            "robot_a: Somebody is needed", "robot_a: Over: Somebody is needed",
        ]  # fmt: skip
        assert site.told[1].level == "success"


async def test_service__that_is_down_gets_each_message_once_when_it_is_back(lab: Lab) -> None:
    async with following(lab, after_s=0) as site:
        site.problem = "down"
        await site.after(0, ASKS, STOP)
        await asyncio.sleep(0.03)
        assert site.outbox.statistics().pending == 2
        site.problem = ""
        assert sorted(await site.titles()) == [
            "all robots: Emergency stop", "robot_a: Somebody is needed",
        ]  # fmt: skip


async def test_daemon__that_dies_between_incident_and_message_tells_it_after_its_start(
    lab: Lab,
) -> None:
    clock = Clock()
    async with following(lab, clock=clock, after_s=0) as site:
        site.problem = "down"
        await site.after(0, ASKS)
    assert site.told == []
    # nothing of the process is left but its disk
    async with following(lab, clock=clock, after_s=0) as again:
        assert await again.titles() == ["robot_a: Somebody is needed"]
        assert await again.after(600, ASKS) == ["robot_a: Somebody is needed"]
    async with following(lab, clock=clock, after_s=0) as third:
        assert await third.after(600, ASKS) == []


async def test_service__that_takes_nothing_for_a_day_is_given_up_and_the_journal_says_so(
    lab: Lab,
) -> None:
    async with following(lab, after_s=0) as site:
        site.problem = "no such token"
        await site.after(0, ASKS)
        site.clock.ms += 25 * HOUR_MS
        await lab.until(lambda: site.outbox.statistics().given_up)
        site.problem = ""
        assert await site.titles() == []
        (event,) = await lab.events("notification.undelivered")
        assert event.data["problem"] == "no such token"


async def test_disk__that_is_out_keeps_nobody_from_being_told(lab: Lab) -> None:
    async with following(lab, after_s=0) as site:
        lab.disk.full = "no space"
        out = Standing(code="store_unavailable", priority="high", queue="robot_a")
        other = Standing(code="store_unavailable", priority="high", queue="robot_b")
        site.alarms = [out, other]
        await site.notifier.look()
        await lab.until(lambda: site.told)
        assert [notice.title for notice in site.told] == ["robotq: robot_a: Somebody is needed"]
        lab.disk.full = None


async def test_secret__of_a_receiver_is_nowhere_on_disk_or_in_the_journal(lab: Lab) -> None:
    async with following(lab, to=["json://li:geheim@127.0.0.1:1/x"], after_s=0) as site:
        site.problem = "down"
        await site.after(0, ASKS)
        facts = msgspec.json.encode(dict(await facts_of(lab)))
        assert b"question" in facts
        assert b"geheim" not in facts
        assert "geheim" not in repr(NotifyConfig(to=["json://li:geheim@127.0.0.1:1/x"]))


# -- the whole way, by the real library --------------------------------------------------------


def _to(receiver: Receiver) -> str:
    return f"json://127.0.0.1:{receiver.port}/told"


async def test_stop_and_failure__reach_a_service_over_the_wire(
    start_lab: StartLab, receiver: Receiver
) -> None:
    config = NotifyConfig(to=[_to(receiver)], after_s=0)
    lab = await start_lab("robot_a", "robot_b", notify=config, language="en")
    failed = await lab.run("broken", fail="the gripper is jammed")
    assert failed.error is not None
    (first,) = await receiver.got()
    assert first.body["title"] == "robotq: robot_a: A command has failed"
    assert "the gripper is jammed" in first.body["message"]
    assert first.body["type"] == "warning"
    # many that fail are one incident
    for number in range(5):
        await lab.run(f"broken-{number}", fail="again")
    await lab.engine.estop.trigger(actor="li", reason="smoke")
    telling = lab.engine._telling
    assert telling is not None
    await telling.look()
    requests = await receiver.got(2)
    assert requests[1].body["title"] == "robotq: all robots: Emergency stop"
    assert "smoke" in requests[1].body["message"]
    await lab.until(lambda: telling.outbox.statistics().sent == 2)
    await telling.look()
    assert len(receiver.requests) == 2


async def test_question__reaches_a_mailbox(start_lab: StartLab) -> None:
    async with running_mail_server() as mail:
        url = f"mailto://127.0.0.1:{mail.port}/?from=robotq@lab.test&to=li@lab.test&mode=insecure"
        lab = await start_lab("robot_a", notify=NotifyConfig(to=[url], after_s=0), language="zh")
        task_id = await lab.submit("asks", ask="Which bottle is it?")
        await lab.asking(task_id)
        telling = lab.engine._telling
        assert telling is not None
        await telling.look()
        (letter,) = await mail.got()
        assert letter["Subject"] == "robotq: robot_a: 需要人工处理"
        assert letter["To"] == "li@lab.test"
        body = letter.get_body(("plain", "html"))
        assert body is not None
        assert "Which bottle is it?" in body.get_content()
        assert task_id in body.get_content()


async def test_site__without_receivers_has_nothing_of_it(lab: Lab) -> None:
    assert lab.engine._telling is None
    assert lab.engine.notifications is None


def test_receivers__in_a_file_are_read_and_a_wrong_line_is_told_without_its_secret(
    tmp_path: Any,
) -> None:
    file = tmp_path / "urls"
    file.write_text("# who is called\n\njson://a@127.0.0.1:1/\nmailto://x:y@mail.lab\n")
    urls = read_urls([f"file:{file}", "json://a@127.0.0.1:1/"])
    assert list(urls.values()) == ["json://a@127.0.0.1:1/", "mailto://x:y@mail.lab"]
    file.write_text("json://a@127.0.0.1:1/\ntop secret\n")
    with pytest.raises(ConfigError, match="URL 2: expected such as") as told:
        check(NotifyConfig(to=[f"file:{file}"]))
    assert "top secret" not in str(told.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        check(NotifyConfig(to=[f"file:{file}.none"]))
