"""The client that blocks is made from the one for event loops, so both know the same."""

from __future__ import annotations

import inspect

from docs.make import sync_client
from robotq import AsyncClient, Client


def test_client_that_blocks__is_what_the_other_one_makes_it() -> None:
    for file, text in sync_client.files().items():
        assert file.read_text(encoding="utf-8") == text, "run python -m docs.make.sync_client"


def test_by_hand__is_only_the_way_to_the_wire() -> None:
    here = {file.name for file in sync_client.TARGET.glob("*.py")}
    assert here == {file.name for file in sync_client.SOURCE.glob("*.py")}
    assert here - {file.name for file in sync_client.files()} == {sync_client.OWN}


def test_made__waits_for_nothing_and_needs_no_event_loop() -> None:
    for file in sync_client.TARGET.glob("*.py"):
        # the first line says from what it is made
        text = "\n".join(file.read_text(encoding="utf-8").split("\n")[1:])
        assert not [word for word in ("async", "await", "aiohttp") if word in text], file


def test_both__have_the_same_methods_with_the_same_parameters() -> None:
    methods = _methods(Client)
    assert methods == _methods(AsyncClient)
    assert {"submit", "wait", "events", "resume", "estop", "close"} <= set(methods)


def _methods(client: type) -> dict[str, list[tuple[str, str]]]:
    return {
        name: [
            (parameter.name, f"{parameter.kind} {parameter.annotation} {parameter.default}")
            for parameter in inspect.signature(method).parameters.values()
        ]
        for name, method in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
    }
