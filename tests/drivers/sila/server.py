"""A robot behind a server of the library `sila2`, as a process of its own. Its log is the judge:

python -m tests.drivers.sila.server PORT LOG UUID [WORD...]

Words: no_cancel, refuses, short_memory, deaf, tls DIR.
"""

from __future__ import annotations

import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sila2.framework import DefinedExecutionError, Feature
from sila2.server import FeatureImplementationBase, SilaServer
from sila2.server.encryption import generate_self_signed_certificate

_HERE = Path(__file__).parent
MOVER = Feature(str(_HERE / "Mover.sila.xml"))
CANCEL = Feature(str(_HERE / "CancelController.sila.xml"))


class Log:
    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()

    def write(self, *words: object) -> None:
        with self._lock:
            self._file.write(" ".join(map(str, words)) + "\n")


class Mover(FeatureImplementationBase):  # type: ignore[misc] # the library is not looked at
    def __init__(self, server: Any, log: Log, *, short_memory: bool, deaf: bool) -> None:
        """`deaf`: the first stop is lost, as one that comes before its motion."""
        super().__init__(server)
        self.deaf = deaf
        self.log = log
        self.running: dict[str, threading.Event] = {}
        self.Move_default_lifetime_of_execution = timedelta(seconds=1 if short_memory else 1_800)

    def Move(  # noqa: N802 - as the library calls it
        self,
        Steps: int,  # noqa: N803
        StepSeconds: float,  # noqa: N803
        Place: str,  # noqa: N803
        *,
        metadata: Any,
        instance: Any,
    ) -> int:
        uuid, cancelled = str(instance.execution_uuid), threading.Event()
        self.running[uuid] = cancelled
        self.log.write("start", uuid, Place)
        instance.begin_execution()
        try:
            for done in range(1, Steps + 1):
                if cancelled.wait(StepSeconds):
                    self.log.write("end", uuid, "cancelled")
                    raise RuntimeError("the command was cancelled")
                self.log.write("step", uuid, done)
                instance.progress = done / Steps
                instance.send_intermediate_response(done)
                if Place == "NOWHERE":
                    self.log.write("end", uuid, "failed")
                    raise DefinedExecutionError(MOVER.defined_execution_errors["Lost"], "no map")
            self.log.write("end", uuid, "done")
            return Steps
        finally:
            del self.running[uuid]

    def Grip(self, Closed: bool, *, metadata: Any) -> bool:  # noqa: N802, N803
        self.log.write("grip", Closed)
        if not Closed:
            time.sleep(0.2)
        return Closed

    def Abort(self, *, metadata: Any) -> None:  # noqa: N802
        self.log.write("abort")
        self.end(list(self.running.values()))

    def end(self, executions: list[threading.Event]) -> None:
        deaf, self.deaf = self.deaf, False
        for each in [] if deaf else executions:
            each.set()

    def Track(self, Points: list[float], *, metadata: Any) -> None:  # noqa: N802, N803
        self.log.write("track", *Points)

    def get_BatteryLevel(self, *, metadata: Any) -> float:  # noqa: N802
        return 0.8


class Cancel(FeatureImplementationBase):  # type: ignore[misc] # the library is not looked at
    def __init__(self, server: Any, mover: Mover, *, refuses: bool) -> None:
        super().__init__(server)
        self._mover = mover
        self._refuses = refuses

    def CancelCommand(self, CommandExecutionUUID: str, *, metadata: Any) -> None:  # noqa: N802, N803
        self._look()
        found = self._mover.running.get(CommandExecutionUUID)
        if found is None:
            raise _error("InvalidCommandExecutionUUID")
        self._mover.end([found])

    def CancelAll(self, *, metadata: Any) -> None:  # noqa: N802
        self._look()
        self._mover.end(list(self._mover.running.values()))

    def _look(self) -> None:
        if self._refuses:
            raise _error("OperationNotSupported")


def _error(name: str) -> Exception:
    error: Exception = DefinedExecutionError(CANCEL.defined_execution_errors[name], name)
    return error


def main(port: str, log: str, uuid: str, *words: str) -> None:
    server = SilaServer(
        "Mover", "Mover", "A robot of the tests", "1.0", "https://example.org", uuid
    )
    mover = Mover(
        server, Log(Path(log)), short_memory="short_memory" in words, deaf="deaf" in words
    )
    server.set_feature_implementation(MOVER, mover)
    if "no_cancel" not in words:
        server.set_feature_implementation(CANCEL, Cancel(server, mover, refuses="refuses" in words))
    if "tls" in words:
        folder = Path(words[words.index("tls") + 1])
        key, certificate = generate_self_signed_certificate(server.server_uuid, "127.0.0.1")
        (folder / "ca.pem").write_bytes(certificate)
        server.start("127.0.0.1", int(port), key, certificate, enable_discovery=False)
    else:
        server.start_insecure("127.0.0.1", int(port), enable_discovery=False)
    mover.log.write("ready")
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
