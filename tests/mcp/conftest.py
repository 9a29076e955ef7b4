"""An agent at a lab: the official client, the real server as a process, a real daemon."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from robotq.testing.daemon import Daemon
from robotq.testing.process import clean_environment

if TYPE_CHECKING:
    from mcp import Client as McpClient

SPECS = """
commands:
  POUR:
    schema: {type: object, required: [area], properties: {area: {type: string}}}
    approval: true
    handler: manual_step
  START_WORKING: {approval: true}
"""


@pytest.fixture
def robotq_config(tmp_path: Path) -> Path:
    """A lab in which nobody pours without being asked."""
    (tmp_path / "own.yaml").write_text(SPECS, encoding="utf-8")
    config = tmp_path / "robotq.yaml"
    config.write_text("commands: [own.yaml]\nlanguage: en\n", encoding="utf-8")
    return config


class Agent:
    """Calls tools as a language model does: by name, with JSON."""

    def __init__(self, client: McpClient) -> None:
        self.client = client

    async def tools(self) -> dict[str, Any]:
        return {tool.name: tool for tool in (await self.client.list_tools()).tools}

    async def call(self, name: str, **arguments: Any) -> Any:
        """The answer of a call that goes well."""
        result = await self.client.call_tool(name, arguments)
        assert not result.is_error, result
        return result.structured_content

    async def refused(self, name: str, **arguments: Any) -> Any:
        """The answer of a call that does not."""
        result = await self.client.call_tool(name, arguments)
        assert result.is_error, result
        (content,) = result.content
        assert content.type == "text"
        return json.loads(content.text)


StartAgent = Callable[..., AbstractAsyncContextManager[Agent]]


@pytest.fixture
def start_agent(robotq_daemon: Daemon) -> StartAgent:
    """`async with start_agent("--allow-control") as agent`: the robotq command as a process.

    `here=True`: the same server in this process, which is there sooner.
    """
    # here, because every process of the tests would load them for half a second
    from mcp import Client, StdioServerParameters, stdio_client  # noqa: PLC0415

    from robotq.mcp.server import serving  # noqa: PLC0415

    @asynccontextmanager
    async def start(
        *options: str, here: bool = False, url: str | None = None, retry_s: float = 5
    ) -> AsyncIterator[Agent]:
        url = url or robotq_daemon.url
        if here:
            control = "--allow-control" in options
            server = serving(url, None, allow_control=control, retry_s=retry_s)
            async with server as one, Client(one) as client:
                yield Agent(client)
            return
        command = StdioServerParameters(
            command=sys.executable,
            args=["-m", "robotq", "mcp", "--url", url, *options],
            env=clean_environment({}),
        )
        # its default is the standard error of the moment in which the library was loaded, which
        # may be that of another test
        assert sys.__stderr__ is not None
        async with Client(stdio_client(command, errlog=sys.__stderr__)) as client:
            yield Agent(client)

    return start
