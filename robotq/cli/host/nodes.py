"""robotq nodes: tries the table of nodes of a station at its PLC, before anything moves."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich.table import Table

from robotq.cli.shared import parse
from robotq.cli.shared.display.show import new_console, print_json
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.options import AsJson
from robotq.cli.shared.settings import loader
from robotq.config import Config
from robotq.model.errors import ConfigError

if TYPE_CHECKING:
    from robotq.drivers.plc.trying import Tried


def nodes(
    file: Annotated[
        Path | None,
        parse.Argument(
            envvar="ROBOTQ_CONFIG", help="Configuration file; without it, the packaged one."
        ),
    ] = None,
    *,
    robot: Annotated[
        str | None, parse.Option("--robot", help="Which station; not needed where there is one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read every node of the table of a PLC station once, as the driver reads it; writes nothing.

    Over OPC UA its type is compared too, and whether a node that is written may be. 0 if all of
    them can be read, and none differs.
    """
    # what a station takes is read when it is needed
    from robotq.drivers.base import LinkLost  # noqa: PLC0415
    from robotq.drivers.plc.options import read_options  # noqa: PLC0415
    from robotq.drivers.plc.trying import tried  # noqa: PLC0415

    read = loader(file, {})()
    name = _station(read, robot)
    ready = read_options(name, read.robots[name].options).ready
    console = new_console()
    found: list[Tried] = []
    try:
        found.extend(tried(ready))
    except LinkLost as error:
        raise Failure(f"the PLC of {name} is not there: {error.reason}") from error
    if as_json:
        print_json(console, [asdict(each) for each in found])
    else:
        table = Table("node", "alias", "address", "value", "", box=None, pad_edge=False)
        for each in found:
            shown = "-" if each.value is None else f"{each.value} {each.unit}".strip()
            note = each.fault or each.misfit or ("" if each.used else "no command uses it")
            table.add_row(each.name, each.alias, each.address, shown, note)
        console.print(table)
    wrong = sum(bool(each.fault) for each in found)
    other = sum(bool(each.misfit) for each in found)
    if not as_json:
        unread = f"{wrong} of them cannot be read" if wrong else "all of them can be read"
        differ = f", {other} of them differ from the table" if other else ""
        console.print(f"{len(found)} nodes, {unread}{differ}")
    raise parse.Exit(ExitCode.FAILED if wrong or other else ExitCode.OK)


def _station(config: Config, wanted: str | None) -> str:
    """Raises ConfigError."""
    stations = [name for name, its in config.robots.items() if its.driver == "plc"]
    if wanted is not None:
        if wanted not in stations:
            told: Any = ", ".join(stations) or "there is none"
            raise ConfigError(f"{wanted} is no robot with driver: plc; expected one of: {told}")
        return wanted
    if len(stations) != 1:
        raise ConfigError(
            f"found {len(stations)} robots with driver: plc, expected --robot NAME"
            if stations
            else "found no robot with driver: plc"
        )
    return stations[0]
