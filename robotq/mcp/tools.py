"""What an agent can do: tools made from the table of routes, so that they take what it takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from robotq.api.http.routes import Route
from robotq.api.root import ROUTES
from robotq.client import AsyncClient, WrongKind
from robotq.model.json import JsonObject

Send = Callable[[AsyncClient, Mapping[str, Any]], Awaitable[Any]]

_LIST = 100
"""Elements of a list that an agent is shown; its memory is small and a scan has thousands."""


class BadArguments(Exception):
    """The agent called a tool with arguments that it does not take."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One tool of an agent."""

    name: str
    route: Route
    text: str = ""
    """What an agent has to know besides the route's own sentence."""
    changes: bool = False
    """Offered only where the operator has allowed it."""
    leaves_off: frozenset[str] = frozenset()
    """Arguments of the route that an agent does not get."""
    more: Mapping[str, JsonObject] | None = None
    """Arguments that the route does not have."""
    fixed: Mapping[str, str] | None = None
    """Query parameters that are always sent."""
    send: Send | None = None
    """Makes the request; None: the way that the route says."""
    shows: tuple[str, ...] = ()
    """Of each object in the answer's one list, only these keys."""

    @property
    def description(self) -> str:
        return f"{self.route.summary} {self.text}".strip()

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        """JSON Schema of the arguments: parts of the path, query and body as one object."""
        properties: dict[str, Any] = {part: {"type": "string"} for part in self._parts}
        required = list(self._parts)
        definitions: dict[str, Any] = {}
        for model in (self.route.query if not self.route.changes else None, self.route.request):
            if model is None:
                continue
            schema = model.model_json_schema(by_alias=True)
            definitions |= schema.get("$defs", {})
            properties |= schema.get("properties", {})
            required += schema.get("required", ())
        properties |= self.more or {}
        for name in self.leaves_off:
            del properties[name]
        schema = {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }
        return schema | ({"$defs": definitions} if definitions else {})

    async def call(self, client: AsyncClient, arguments: Mapping[str, Any]) -> Any:
        """The daemon's answer, without what is too long for an agent.

        Raises BadArguments, and what the client raises.
        """
        known = self.input_schema
        for name in arguments:
            if name not in known["properties"]:
                raise BadArguments(f"{name} is none of {', '.join(known['properties'])}")
        for name in known["required"]:
            if arguments.get(name) in (None, ""):
                raise BadArguments(f"{name} is missing")
        given = {key: value for key, value in arguments.items() if value is not None}
        send = self.send or self._send
        return shortened(self._shown(await send(client, given)))

    async def _send(self, client: AsyncClient, arguments: Mapping[str, Any]) -> Any:
        # as the parts of the path are quoted, they cannot name another route
        path = self.route.path.format(
            **{part: quote(str(arguments[part]), safe="") for part in self._parts}
        )
        rest = {key: value for key, value in arguments.items() if key not in self._parts}
        if self.route.changes:
            return await client.request(self.route.method, path, rest, query=self.fixed)
        query = {key: _query_text(value) for key, value in rest.items()}
        return await client.request(self.route.method, path, query=query)

    def _shown(self, answer: Any) -> Any:
        if not self.shows:
            return answer
        ((key, rows),) = answer.items()
        return {key: [{name: row[name] for name in self.shows} for row in rows]}

    @property
    def _parts(self) -> Sequence[str]:
        """Named parts of the path."""
        pieces = self.route.path.split("/")
        return [piece[1:-1] for piece in pieces if piece.startswith("{")]


def shortened(value: Any) -> Any:
    """`value` with at most the first hundred elements of each list, and how many are missing."""
    if isinstance(value, list):
        shown = [shortened(one) for one in value[:_LIST]]
        left_off = len(value) - len(shown)
        return [*shown, f"... and {left_off} more"] if left_off else shown
    if isinstance(value, dict):
        return {key: shortened(one) for key, one in value.items()}
    return value


async def _submit(client: AsyncClient, arguments: Mapping[str, Any]) -> Any:
    key = arguments.get("idempotency_key")
    command = {name: value for name, value in arguments.items() if name != "idempotency_key"}
    try:
        accepted = await client.submit(command, idempotency_key=key)
    except WrongKind as at_once:
        return at_once.answer
    task = (await client.task(accepted.task_id)).raw
    told = ("state", "robot_id", "position", "waits", "holds", "why")
    return {
        **accepted.raw,
        "idempotency_key": accepted.idempotency_key,
        "task": {name: task[name] for name in told if name in task},
    }


def _route(method: str, path: str) -> Route:
    return next(route for route in ROUTES if (route.method, route.path) == (method, path))


def _query_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_KEY_SCHEMA: JsonObject = {
    "type": "string",
    "pattern": r"^[\x21-\x7e]{1,255}$",
    "description": "Only to repeat a submit whose answer did not come: the same key and command "
    "give the first answer again, and nothing runs twice.",
}

TOOLS = (
    Tool(
        name="queue_status",
        route=_route("GET", "/queue/status"),
        text="Look here first when nothing moves: `why` says so, and what clears it.",
    ),
    Tool(
        name="get_task",
        route=_route("GET", "/task/{task_id}"),
        text="A state of failed with the error_code outcome_unknown means that nobody knows how "
        "it ended: a person has to look at the robot. Never submit such a command again.",
    ),
    Tool(name="list_tasks", route=_route("GET", "/tasks")),
    Tool(name="list_robots", route=_route("GET", "/robots")),
    Tool(name="get_robot", route=_route("GET", "/robots/{robot_id}")),
    Tool(
        name="list_commands",
        route=_route("GET", "/commands"),
        text="Only what they are; get_command has the schema and an example.",
        shows=("cmd_type", "kind", "title", "approval", "robots"),
    ),
    Tool(name="get_command", route=_route("GET", "/commands/{cmd_type}")),
    Tool(
        name="list_resources",
        route=_route("GET", "/resources"),
        text="A place of a robot that is not there is released by a person who has looked.",
    ),
    Tool(name="list_events", route=_route("GET", "/journal")),
    Tool(name="health", route=_route("GET", "/health")),
    Tool(
        name="check_command",
        route=_route("POST", "/"),
        text="This tool only checks the command and does nothing.",
        leaves_off=frozenset({"callback_url"}),
        fixed={"dry_run": "true"},
    ),
    Tool(
        name="submit_command",
        route=_route("POST", "/"),
        text="The robot moves. The answer is a task id; get_task with wait tells how it ends. "
        "Where the task waits with the code approval, a person has to approve it first: say so "
        "and do not submit it again.",
        changes=True,
        leaves_off=frozenset({"callback_url"}),
        more={"idempotency_key": _KEY_SCHEMA},
        send=_submit,
    ),
    Tool(name="cancel_task", route=_route("POST", "/task/{task_id}/cancel"), changes=True),
    Tool(
        name="move_task",
        route=_route("POST", "/task/{task_id}/move"),
        text="For example where its own robot is not configured any more. That robot moves.",
        changes=True,
    ),
    Tool(
        name="pause_queue",
        route=_route("POST", "/queue/pause"),
        text="A person resumes it.",
        changes=True,
    ),
    Tool(
        name="emergency_stop",
        route=_route("POST", "/estop"),
        text="Only a person can leave it.",
        changes=True,
    ),
)
"""Every tool. Resuming, resetting, resolving, approving and releasing are left to people."""
