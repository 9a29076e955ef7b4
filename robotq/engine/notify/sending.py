"""What apprise does for us: from a URL to DingTalk, Feishu, WeCom, Slack, mail, MQTT and the rest.

Loaded by the first notice, and on the thread that sends it: apprise takes long to load, and
blocks."""

from __future__ import annotations

from typing import Any

from robotq.engine.notify.incident import Notice


def receiver(url: str) -> Any:
    """What apprise makes of a URL; None where it makes nothing of it."""
    import apprise  # noqa: PLC0415 - as above

    return apprise.Apprise.instantiate(url, suppress_exceptions=True)


def send(url: str, notice: Notice) -> str:
    """Blocks. Why it was not taken; empty where it was."""
    found = receiver(url)
    if found is None:
        return "apprise does not know this kind of URL"
    taken = found.notify(title=notice.title, body=notice.body, notify_type=_level(notice.level))
    return "" if taken else "its service has not taken it; the log of apprise says why"


def shown(url: str) -> str:
    """A URL as it may be shown: without what is secret in it."""
    found = receiver(url)
    scheme = url.partition("://")[0]
    return f"{scheme}://..." if found is None else str(found.url(privacy=True))


def _level(level: str) -> Any:
    import apprise  # noqa: PLC0415 - as above

    return apprise.NotifyType(level)
