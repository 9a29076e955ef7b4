"""No-op tasks a second on one core, beside queues that others have made.

Each runs in a process of its own, on the same core and the same disk, in rounds that take turns.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Figure, Options
from benchmarks.process import ROOT, empty

TITLE = "no-op tasks one after the other on one core, beside Huey and SAQ"

_CONTESTANTS = Path(__file__).parent / "contestants"
_INSTALL_S = 300.0
_RUN_S = 600.0
_NOBODY = 65534
"""PostgreSQL does not run as root."""


class CannotRun(Exception):
    """A peer that cannot be had here; the text says why."""


@dataclass(slots=True)
class _Contestant:
    """One queue, and what its rounds have brought."""

    name: str
    command: Sequence[str]
    user: int | None = None
    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def run(self, folder: Path, tasks: int) -> None:
        """Raises CannotRun."""
        folder = empty(folder)
        if self.user is not None:
            os.chown(folder, self.user, self.user)
        done = _run([*self.command, str(folder), str(tasks)], _RUN_S, core=_core(), user=self.user)
        told = json.loads(done.splitlines()[-1])
        self.rates.append(told["rate"])
        self.cpu_ms.append(told["cpu_ms"])

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    def text(self) -> str:
        """Each round, for judging the noise."""
        rounds = " ".join(f"{rate:.0f}" for rate in self.rates)
        return f"{statistics.median(self.cpu_ms):.2f} ms of processor time each; rounds {rounds}"


def run(options: Options) -> list[Figure]:
    folder = options.folder / "peers"
    folder.mkdir(parents=True, exist_ok=True)
    own = _Contestant("robotq", [sys.executable, "-m", "benchmarks.contestants.with_robotq"])
    peers = list(_peers(options.folder / "peers-environment"))
    for _ in range(options.rounds):
        own.run(folder / "robotq", options.calls)
        for peer in list(peers):
            try:
                peer.run(folder / peer.name, options.calls)
            except CannotRun as why:
                print(f"  {peer.name}: cannot be measured here: {why}")
                peers.remove(peer)
    figures = [_rate(own), *map(_rate, peers)]
    for peer in peers:
        ratio = statistics.median(
            ours / theirs for ours, theirs in zip(own.rates, peer.rates, strict=True)
        )
        figures.append(
            Figure(
                name=f"peers.against_{peer.name}",
                value=ratio,
                target=1.5 if peer.name == "huey" else None,
                higher_is_better=True,
                raw="median of the rounds",
            )
        )
    return figures


def _rate(contestant: _Contestant) -> Figure:
    return Figure(
        name=f"peers.{contestant.name}",
        value=contestant.rate,
        unit="per s",
        higher_is_better=True,
        raw=contestant.text(),
    )


def _peers(environment: Path) -> Sequence[_Contestant]:
    """Those that can be had; says of the others why not."""
    python = str(environment / "bin" / "python")
    found = []
    for name, packages in (("huey", ["huey"]), ("saq", ["saq[postgres]", "psycopg[binary]"])):
        try:
            _install(environment, packages)
            if name == "saq" and shutil.which("initdb") is None:
                raise CannotRun("it needs PostgreSQL, and there is no initdb")
        except CannotRun as why:
            print(f"  {name}: cannot be measured here: {why}")
            continue
        # PostgreSQL refuses to be started by root
        user = _NOBODY if name == "saq" and os.geteuid() == 0 else None
        found.append(_Contestant(name, [python, str(_CONTESTANTS / f"with_{name}.py")], user))
    return found


def _install(environment: Path, packages: Sequence[str]) -> None:
    """Into an environment of its own, kept for the next time. Raises CannotRun."""
    done = environment / f"{packages[0]}.installed"
    if done.exists():
        return
    if not (environment / "bin" / "python").exists():
        venv.create(environment, with_pip=True)
    python = str(environment / "bin" / "python")
    _run([python, "-m", "pip", "install", "--quiet", *packages], _INSTALL_S)
    done.touch()


def _run(
    command: Sequence[str], timeout_s: float, *, core: int | None = None, user: int | None = None
) -> str:
    """What it prints. Raises CannotRun where it fails."""
    pinned = [] if core is None else ["taskset", "--cpu-list", str(core)]
    try:
        done = subprocess.run(
            [*pinned, *command],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            user=user,
            group=user,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotRun(str(error)) from error
    if done.returncode:
        raise CannotRun(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "it ended")
    return done.stdout


def _core() -> int:
    """The last one that this process may use."""
    return max(os.sched_getaffinity(0))
