"""A keyboard in place of a port: what `Scanner` needs of a Transport, and no more."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from robotq.drivers.base import LinkLost
from robotq.drivers.scanner.hid.events import KeyEvents, open_keyboard
from robotq.drivers.scanner.hid.keys import KeyReader
from robotq.drivers.scanner.hid.options import HidOptions

_log = logging.getLogger(__name__)

_POLL_S = 0.1
_JOIN_S = 2.0


class HidLink:
    """Is opened, lost and opened again. `on_doubt` gets why the code that is coming may be
    another one. All three are called on the thread that reads."""

    def __init__(
        self,
        name: str,
        options: HidOptions,
        *,
        on_data: Callable[[bytes], None],
        on_doubt: Callable[[str], None],
        on_lost: Callable[[str], None],
        open_keys: Callable[[HidOptions], KeyEvents] = open_keyboard,
    ) -> None:
        self._name = name
        self._options = options
        self._on_data = on_data
        self._on_doubt = on_doubt
        self._on_lost = on_lost
        self._open_keys = open_keys
        self._keys: KeyEvents | None = None
        self._reader: threading.Thread | None = None
        self._taking = False
        """Keys have been taken, or are about to be, and are not dealt with."""
        self.port_name: str | None = None

    @property
    def is_open(self) -> bool:
        return self._keys is not None

    def open(self) -> None:
        """Raises LinkLost."""
        self.close()
        keys = self._open_keys(self._options)
        self.port_name = keys.name
        self._keys = keys
        self._reader = threading.Thread(
            target=self._read, args=(keys,), name=f"{self._name}-reader", daemon=True
        )
        self._reader.start()

    def write(self, data: bytes) -> None:
        """A keyboard is told nothing. Raises LinkLost."""
        raise LinkLost(f"a keyboard cannot be sent {data!r}")

    def holds_unread(self) -> bool:
        keys = self._keys
        try:
            # in this order: they are taken from the one to the other
            return keys is not None and (keys.wait(0) or self._taking)
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        keys, self._keys = self._keys, None
        if keys is None:
            return
        if self._reader is not None and self._reader is not threading.current_thread():
            self._reader.join(_JOIN_S)
        keys.close()

    def shut(self) -> None:
        self.close()

    def _read(self, keys: KeyEvents) -> None:
        reader = KeyReader(self._options)
        while self._keys is keys:
            self._taking = False
            try:
                if not keys.wait(_POLL_S):
                    continue
                self._taking = True
                events = keys.read()
            except OSError as error:
                if self._keys is keys:
                    self._keys = None
                    keys.close()
                    self._on_lost(f"the keyboard is gone: {error.strerror or error}")
                return
            for event in events:
                letter, doubt = reader.feed(event)
                if letter:
                    self._on_data(letter.encode())
                if doubt is not None:
                    self._on_doubt(doubt)
