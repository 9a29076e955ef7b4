"""The server that an agent talks to, over standard input and output."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

from robotq.api.access.guard import AGENT_HEADER
from robotq.client import AsyncClient, ClientError, Refused, Unreachable
from robotq.mcp.tools import TOOLS, BadArguments, Tool
from robotq.model.version import __version__

_INSTRUCTIONS = """\
robotq runs commands on robots: real machines, or simulated ones (then answers say "simulated").
Each robot has one queue and carries out one command after another. list_commands and get_command
say what can be submitted; check_command checks a command without doing anything. A command that
failed may be submitted again after its cause is understood; one with the error_code
outcome_unknown never, since nobody knows what the robot did. When a queue is held, a person has to
clear it: say what queue_status says, and wait."""
_READ_ONLY = """
This server only looks: commands cannot be submitted, cancelled or paused here."""
_TRIES_S = 10.0
"""Wall seconds for which a request is tried again; an agent can call a second time itself."""


async def serve(url: str, key: str | None, *, allow_control: bool) -> None:
    """Serve one agent until its end of the pipe is closed. Raises ValueError for a url that is
    none."""
    async with (
        serving(url, key, allow_control=allow_control) as server,
        stdio_server() as (incoming, outgoing),
    ):
        await server.run(incoming, outgoing, server.create_initialization_options())


@asynccontextmanager
async def serving(
    url: str, key: str | None, *, allow_control: bool, retry_s: float = _TRIES_S
) -> AsyncIterator[Server[Any]]:
    """The server for the daemon at `url`. `allow_control`: with the tools that change
    something; `retry_s`: wall seconds for which a request is tried again."""
    headers = {AGENT_HEADER: "mcp"}
    async with AsyncClient(url, key, retry_s=retry_s, language="en", headers=headers) as client:
        yield _server(client, allow_control=allow_control)


def _server(client: AsyncClient, *, allow_control: bool) -> Server[Any]:
    tools = {tool.name: tool for tool in TOOLS if allow_control or not tool.changes}

    async def list_tools(
        _context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in tools.values()])

    async def call_tool(
        _context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            return _problem({"message": f"no tool {params.name}; there are: {', '.join(tools)}"})
        try:
            return _told(await tool.call(client, params.arguments or {}))
        except BadArguments as error:
            return _problem({"error_code": "bad_parameter", "message": str(error)})
        except Refused as refusal:
            return _problem(refusal.body)
        except Unreachable as lost:
            told: dict[str, Any] = {"message": str(lost), "maybe_done": lost.maybe_done}
            if lost.idempotency_key is not None:
                told["idempotency_key"] = lost.idempotency_key
            return _problem(told)
        except ClientError as error:
            return _problem({"message": str(error)})

    return Server(
        "robotq",
        version=__version__,
        instructions=_INSTRUCTIONS + ("" if allow_control else _READ_ONLY),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _described(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.input_schema,
        annotations=types.ToolAnnotations(
            read_only_hint=not tool.changes,
            destructive_hint=tool.changes,
            idempotent_hint=tool.name != "submit_command",
            open_world_hint=tool.changes,
        ),
    )


def _told(answer: Any) -> types.CallToolResult:
    return types.CallToolResult(content=[_text(answer)], structured_content=answer)


def _problem(answer: Any) -> types.CallToolResult:
    return types.CallToolResult(content=[_text(answer)], is_error=True)


def _text(answer: Any) -> types.TextContent:
    return types.TextContent(type="text", text=json.dumps(answer, ensure_ascii=False))
