"""Submit command files with robotq's own client, show the work, and print the results.

    python examples/run_commands.py commands/SCAN_QR_CODE_command.json
    python examples/run_commands.py FILE FILE --url http://192.168.1.20:8090 --key KEY

A file with a list is a batch. Robots work side by side, each on one command after another. What
breaks between this program and the daemon is repeated where that is safe; nothing runs twice.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from robotq import Client
from robotq.client import ClientError, OutcomeUnknown, Task, TaskFailed


def submit(client: Client, file: Path) -> list[str]:
    """The tasks that the commands of a file have become."""
    command = json.loads(file.read_text(encoding="utf-8"))
    if isinstance(command, list):
        return list(client.submit_batch(command).task_ids)
    return [client.submit(command).task_id]


def show(task: Task) -> None:
    if task.ended:
        what = task.message or task.state.value
    elif task.waiting_for is not None:
        what = f"asks: {task.waiting_for.prompt}"
    elif task.holds or task.waits:
        what = "; ".join([hold.reason for hold in task.holds] + [one.reason for one in task.waits])
    else:
        done = "" if task.progress is None else f"{task.progress:4.0%} "
        what = f"{done}{task.current_step or task.state.value}"
    print(f"{task.robot_id} {task.cmd_type}: {what}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="command files")
    parser.add_argument("--url", help="where the daemon is [ROBOTQ_URL]")
    parser.add_argument("--key", help="key, where the daemon wants one [ROBOTQ_KEY]")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds to wait for each")
    options = parser.parse_args()
    failed = False
    with Client(options.url, options.key, language="en") as client:
        try:
            task_ids = [task_id for file in options.files for task_id in submit(client, file)]
            for task_id in task_ids:
                task = client.wait(task_id, timeout_s=options.timeout, progress=show)
                print(json.dumps(task.result, ensure_ascii=False, indent=2))
                try:
                    task.check()
                except OutcomeUnknown:
                    print(f"look at {task.robot_id}, then: robotq resolve {task_id} OUTCOME",
                          file=sys.stderr)  # fmt: skip
                    return 1
                except TaskFailed:
                    failed = True
        except ClientError as error:
            print(error, file=sys.stderr)
            return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
