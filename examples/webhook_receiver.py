"""Receive webhooks from robotq, with nothing but the standard library.

    python examples/webhook_receiver.py --port 9000
    python examples/webhook_receiver.py --refuse 2 --delay 3     # to see robotq try again

Then either `webhooks: {url: "http://127.0.0.1:9000/"}` in the daemon's configuration, or, with
`webhooks: {allowed_hosts: [127.0.0.1]}`, a command with
`"callback_url": "http://127.0.0.1:9000/"`.

robotq sends a webhook until it is acknowledged, so one may come more than once: after a lost
answer, or when the daemon died before it had noted the acknowledgement. `webhook_id` tells.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import threading
import time
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REMEMBERED = 10_000
"""Webhooks by which a repetition is known. A real receiver keeps the id with its own record of
the command, in the transaction in which it acts on the webhook."""
BODY_BYTES = 10_000_000


class Receiver(ThreadingHTTPServer):
    """Refuses the first `refuse` requests with 503 and answers every one `delay_s` late."""

    daemon_threads = True

    def __init__(
        self, host: str, port: int, *, refuse: int = 0, delay_s: float = 0, secret: str = ""
    ) -> None:
        super().__init__((host, port), _Request)
        self.refuse = refuse
        self.delay_s = delay_s
        self.secret = secret
        self.received: OrderedDict[str, Any] = OrderedDict()
        self.lock = threading.Lock()

    def take(self, headers: Any, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer."""
        if self.secret:
            digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
            signature = headers.get("X-Robotq-Signature", "")
            if not hmac.compare_digest(signature, f"sha256={digest}"):
                return 401, {"received": False, "reason": "the signature is not right"}
        webhook = json.loads(body)
        with self.lock:
            if self.refuse > 0:
                self.refuse -= 1
                self.tell("refused", webhook, headers)
                return 503, {"received": False}
            again = webhook["webhook_id"] in self.received
            self.received[webhook["webhook_id"]] = webhook
            while len(self.received) > REMEMBERED:
                self.received.popitem(last=False)
            self.tell("again, nothing to do" if again else "received", webhook, headers)
        return 200, {"received": True}

    def tell(self, what: str, webhook: Any, headers: Any) -> None:
        outcome = "done" if webhook["success"] else webhook["error_code"]
        attempt = headers.get("X-Robotq-Attempt")
        print(
            f"{what}: {webhook['webhook_id']} (attempt {attempt}): "
            f"{webhook['cmd_type']} {webhook['cmd_id'] or ''} {outcome}: {webhook['message']}",
            flush=True,
        )


class _Request(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length", 0)), BODY_BYTES)
        status, answer = self.server.take(self.headers, self.rfile.read(length))
        time.sleep(self.server.delay_s)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base calls it
        """Nothing: `tell` says what is of interest."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--refuse", type=int, default=0, help="refuse so many requests first")
    parser.add_argument("--delay", type=float, default=0, help="seconds before each answer")
    parser.add_argument("--secret", default="", help="the same as webhooks.secret of the daemon")
    options = parser.parse_args()
    receiver = Receiver(
        options.host,
        options.port,
        refuse=options.refuse,
        delay_s=options.delay,
        secret=options.secret,
    )
    print(f"listening on http://{options.host}:{receiver.server_port}/", flush=True)
    try:
        receiver.serve_forever()
    except KeyboardInterrupt:
        print(f"{len(receiver.received)} webhooks received")


if __name__ == "__main__":
    main()
