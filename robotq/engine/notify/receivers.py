"""Who is told: URLs of apprise, from the configuration and from files that hold them."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

from robotq.config import NotifyConfig
from robotq.engine.settings import Settings
from robotq.model.errors import ConfigError

_log = logging.getLogger(__name__)

_FILE = "file:"
_LONGEST_FILE = 65_536
_MOST = 50
MISSING = "notify: apprise is missing: pip install 'robotq[notify]'"


def digest_of(url: str) -> str:
    """What stands for a URL wherever it is kept or told: it may hold a secret."""
    return hashlib.sha256(url.encode()).hexdigest()[:12]


def read_urls(entries: Iterable[str]) -> Mapping[str, str]:
    """Digest -> URL, each once. Reads the files that `file:` names. Raises ConfigError."""
    found: dict[str, str] = {}
    for entry in entries:
        urls = _in_file(entry.removeprefix(_FILE)) if entry.startswith(_FILE) else [entry]
        found |= {digest_of(url): url for url in urls}
    if len(found) > _MOST:
        raise ConfigError(f"notify: {len(found)} receivers, expected {_MOST} at most")
    return found


def _in_file(name: str) -> list[str]:
    path = Path(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"notify: {path} cannot be read: {error}") from error
    if len(text) > _LONGEST_FILE:
        raise ConfigError(f"notify: {path} is longer than {_LONGEST_FILE} characters")
    lines = (line.strip() for line in text.splitlines())
    urls = [line for line in lines if line and not line.startswith("#")]
    # the line itself may be a secret
    wrong = next((at for at, url in enumerate(urls, 1) if "://" not in url), None)
    if wrong is not None:
        raise ConfigError(f"notify: {path}: URL {wrong}: expected such as dingtalk://TOKEN/")
    return urls


def check(config: NotifyConfig) -> None:
    """Raises ConfigError. Reads files."""
    if (config.to or config.escalate_to) and find_spec("apprise") is None:
        raise ConfigError(MISSING)
    read_urls([*config.to, *config.escalate_to])


class Receivers:
    """Those of the configuration that is in force."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._read_for: NotifyConfig | None = None
        self.to: Mapping[str, str] = {}
        """Digest -> URL."""
        self.escalate_to: Mapping[str, str] = {}

    async def refresh(self) -> None:
        """Read again what a reload has changed. Raises ConfigError."""
        config = self._settings.config.notify
        if config is self._read_for:
            return
        self.to = await asyncio.to_thread(read_urls, config.to)
        self.escalate_to = await asyncio.to_thread(read_urls, config.escalate_to) or self.to
        self._read_for = config

    def all(self) -> Mapping[str, str]:
        return {**self.to, **self.escalate_to}
