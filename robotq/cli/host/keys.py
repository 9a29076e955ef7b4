"""robotq keys: who may use the daemon over the network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from rich.console import Console
from rich.table import Table

from robotq.api.access.keys import KeyFile
from robotq.api.access.scopes import GRANTED
from robotq.cli.shared import parse
from robotq.cli.shared.display.show import new_console, print_json
from robotq.cli.shared.failure import Failure
from robotq.cli.shared.options import ConfigFile, OutcomeAsJson
from robotq.cli.shared.settings import loader
from robotq.cli.shared.words import heads

app = parse.Group("keys", help="Make, list and revoke the keys of a data folder.")

_Data = Annotated[
    Path | None, parse.Option("--data", help="The daemon's data folder. [default: robotq-data]")
]
_Name = Annotated[str, parse.Argument(help="Stands in the journal for whoever uses the key.")]


@app.command("new")
def new(
    name: _Name,
    scope: Annotated[
        list[str],
        parse.Option(
            "--scope",
            help=f"What it allows: {', '.join(GRANTED)}, worker:<queue>. Can be repeated.",
        ),
    ] = ["read", "submit"],  # noqa: B006 - it is copied
    data: _Data = None,
    config: ConfigFile = None,
    as_json: OutcomeAsJson = False,
) -> None:
    """Make a key and print it: once, since only its hash is kept."""
    text = _file(data, config).new(name, scope)
    if as_json:
        print_json(new_console(), {"name": name, "scopes": list(dict.fromkeys(scope)), "key": text})
        return
    print(text)
    hint = "Send it as `Authorization: Bearer <key>`; it cannot be shown again."
    Console(stderr=True).print(hint, style="dim", soft_wrap=True)


@app.command("list")
def list_keys(
    data: _Data = None, config: ConfigFile = None, as_json: OutcomeAsJson = False
) -> None:
    """List the keys: names and rights, never the keys themselves."""
    file = _file(data, config)
    keys = file.read()
    if as_json:
        views = [
            {"name": key.name, "scopes": list(key.scopes), "created": key.created} for key in keys
        ]
        print_json(new_console(), {"keys": views})
        return
    table = Table(*heads("name", "scopes", "created"), box=None, pad_edge=False)
    for key in keys:
        table.add_row(key.name, " ".join(key.scopes), key.created)
    if keys:
        Console().print(table)
    elif file.required:
        print("no keys, and one is needed: nobody is served, trusted networks aside")
    else:
        print("no keys: only programs on this machine and in trusted networks are served")


@app.command("revoke")
def revoke(
    name: _Name,
    data: _Data = None,
    config: ConfigFile = None,
    as_json: OutcomeAsJson = False,
) -> None:
    """Take a key away; a running daemon refuses it from the next second on.

    After the last one nobody is served: `robotq keys open` is the way back to no keys.
    """
    file = _file(data, config)
    file.revoke(name)
    if as_json:
        print_json(new_console(), {"revoked": name})
        return
    print(f"revoked: {name}")
    if not file.read():
        Console(stderr=True).print(
            "That was the last key. Nobody is served now, trusted networks aside: "
            "`robotq keys new NAME` makes a key, `robotq keys open` lets everybody in again.",
            style="dim",
            soft_wrap=True,
        )


@app.command("open")
def open_(
    yes: Annotated[bool, parse.Option("--yes", help="Do not ask.")] = False,
    data: _Data = None,
    config: ConfigFile = None,
    as_json: OutcomeAsJson = False,
) -> None:
    """Take all keys away and serve without a key again: every program on this machine and in
    trusted networks may move the robots. A running daemon takes it over within a second."""
    file = _file(data, config)
    if not yes:
        question = (
            f"{len(file.read())} keys will be taken away, and every program on this machine and "
            "in trusted networks may then move the robots. Open?"
        )
        if not parse.confirm(question, err=True):
            raise Failure("nothing was changed")
    taken = file.open()
    if as_json:
        print_json(new_console(), {"open": True, "revoked": list(taken)})
    else:
        print("open: no key is needed on this machine and in trusted networks")


def _file(data: Path | None, config: Path | None) -> KeyFile:
    flags: dict[str, Any] = {"data": None if data is None else str(data)}
    return KeyFile(loader(config, flags)().data)
