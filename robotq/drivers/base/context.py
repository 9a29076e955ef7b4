"""What a running command tells, and asks."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.steps import Program


class CommandContext(Protocol):
    """What a running command may tell and ask. Methods are called on the thread of `execute`.

    None of them raises when the disk is full or nobody listens: reporting never breaks a motion.
    """

    @property
    def task_id(self) -> str: ...

    @property
    def attempt(self) -> int:
        """1 for the first time that this task runs."""

    @property
    def program(self) -> Program | None:
        """What the operator has written that this robot does for this command, for a driver
        that works by steps."""

    def step(self, name: str, **detail: Any) -> AbstractContextManager[None]:
        """Report a named step around the code that carries it out; failed if that raises."""

    def progress(self, fraction: float) -> None:
        """Report how far the command is, 0 to 1."""

    def partial(self, **result: Any) -> None:
        """Report what has been found so far; replaces what was reported before."""

    def artifact(self, name: str, media_type: str, data: bytes, *, needed: bool = False) -> str:
        """Keep a file with the task, a picture for example. Returns the name under which the task
        lists it: odd characters are replaced, and a name that comes again gets a number.

        The task lists it as soon as it is on disk. Where it cannot be kept (`artifacts` in the
        configuration, a full disk), the command goes on, and the task says why it is not there.
        `needed`: waits for the disk, and raises DriverError artifact_not_kept instead.
        """

    def moved_to(self, place: str | None) -> None:
        """Report where the robot stands now; None when it has left a place.

        The resource of the place that it left is given up unless this command needs it.
        """

    def ask(
        self,
        prompt: str,
        schema: JsonObject,
        timeout_s: float,
        *,
        answered_by: str | None = None,
        **args: Any,
    ) -> JsonObject:
        """Ask a person or a scanner, and wait up to `timeout_s` seconds of wall time.

        `prompt` is a code of `model.texts` or the text itself; `answered_by` the cmd_type of
        the immediate command whose params are the answer. The answer meets `schema`.
        Raises DriverError `answer_timeout`, Stopped when the command is stopped meanwhile,
        Withdrawn after `withdraw`, ValueError for what is no schema.
        """

    def withdraw(self) -> None:
        """Take the question back that is open now, if one is. From any thread: the link broke
        meanwhile, for example, or somebody has answered at the robot itself."""

    def run_id(
        self,
        run_id: str,
        *,
        boot: str = "",
        begun: bool = False,
        details: JsonObject | None = None,
    ) -> None:
        """Write down by which id the device knows this run, so that it can be asked for that
        after a crash or a broken link: see `drivers.settling`, and of no effect for a driver
        that does not settle. `boot`: what changes when the device loses its memory; `details`:
        what else `settle` wants to know.

        Called before the start is sent, this returns when the id is on disk, and raises Stopped
        where the command was called off meanwhile: nothing is to be sent then. Where the device
        makes the id, call it with `begun` as soon as the id is seen: that waits for nothing and
        raises nothing. Else it raises DriverError for an id that cannot be kept: it is empty, too
        long, or no Unicode text.
        """


@runtime_checkable
class HasDevices(Protocol):
    """The context of a command on a robot that has devices beside it. No other one has to."""

    def on(self, device: str, command: Command, timeout_s: float | None) -> JsonObject:
        """Have a device carry out a command, and give its result. `timeout_s` None leaves the
        limit to the device's own file.

        Raises DriverError, Stopped, DeviceUncertain.
        """


@runtime_checkable
class HearsOfRest(Protocol):
    """The context of a command that is told when a stop is over although the command is not."""

    def at_rest(self) -> None:
        """The robot stands after a stop, and what switches it off and the steps of `finally` begin.
        The stop is not sent again from here on; somebody else's still is."""
