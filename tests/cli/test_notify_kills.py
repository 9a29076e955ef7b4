"""A daemon that is killed while people are being told: nobody is left out."""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from robotq.testing.process import DaemonProcess

pytest.importorskip("apprise", reason="the extra notify is not installed")
pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]

ROUNDS = int(os.environ.get("ROBOTQ_TEST_ROUNDS", "12"))


class Service:
    """A service of somebody that takes messages at a port of its own."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        titles = self.titles

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                titles.append(body["title"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self._handler = Handler
        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as chosen:
            self.port = chosen.server_address[1]

    @contextmanager
    def there(self) -> Iterator[None]:
        server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def test_kills__between_incident_and_message_lose_none(tmp_path: Path) -> None:
    lost, doubled = [], []
    for number in range(ROUNDS):
        chance = random.Random(number)
        service = Service()
        data = tmp_path / str(number)
        environ = {
            "ROBOTQ_NOTIFY__TO": json.dumps([f"json://127.0.0.1:{service.port}/"]),
            "ROBOTQ_NOTIFY__AFTER_S": "0",
            "ROBOTQ_LANGUAGE": "en",
        }
        daemon = DaemonProcess(data, environ=environ)
        up_before = chance.random() < 0.5

        def life(daemon: DaemonProcess = daemon, chance: random.Random = chance) -> None:
            with daemon:
                requests.post(f"{daemon.url}/estop", json={"reason": "smoke"}, timeout=10)
                time.sleep(chance.uniform(0.0, 2.5))
                daemon.kill()

        if up_before:
            with service.there():
                life()
        else:
            life()
        told_before = len(service.titles)
        with service.there(), daemon:
            if not told_before:
                until(lambda service=service: bool(service.titles))  # type: ignore[misc]
            time.sleep(2.5)
        told = [title for title in service.titles if "Emergency stop" in title]
        if not told:
            lost.append(number)
        if len(told) > 1:
            doubled.append(number)
    sys.stdout.write(f"{ROUNDS} kills: lost {lost}, doubled {doubled}\n")
    assert not lost
    # only where it dies between the answer of the service and its own disk
    assert len(doubled) <= max(1, ROUNDS // 6)
