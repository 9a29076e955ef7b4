"""Print what happens at a daemon, as it happens, until Ctrl-C.

    python examples/watch_events.py
    python examples/watch_events.py --kind task. --from-the-beginning

Goes on where it was when the network breaks or the daemon is restarted: no event is missed and
none is printed twice.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from robotq import AsyncClient
from robotq.client import ClientError


async def watch(options: argparse.Namespace) -> int:
    begin = 0 if options.from_the_beginning else None
    async with AsyncClient(options.url, options.key, retry_s=600) as client:
        try:
            async for event in client.events(last_event_id=begin, kind=options.kind):
                at = time.strftime("%H:%M:%S", time.localtime(event.at_ms / 1000))
                what = " ".join(filter(None, (event.robot_id, event.task_id, event.after)))
                print(f"{event.id:6} {at} {event.kind:20} {what}  {event.actor}", flush=True)
        except ClientError as error:
            print(error, file=sys.stderr)
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="where the daemon is [ROBOTQ_URL]")
    parser.add_argument("--key", help="key, where the daemon wants one [ROBOTQ_KEY]")
    parser.add_argument("--kind", help="only events that begin with this, e.g. task.")
    parser.add_argument("--from-the-beginning", action="store_true")
    try:
        return asyncio.run(watch(parser.parse_args()))
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
