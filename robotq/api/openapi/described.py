"""The interfaces of an application as OpenAPI documents, made when somebody asks for them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from robotq.api.http.interface import Interface
from robotq.catalog import Catalog
from robotq.config import Config
from robotq.engine.engine import Engine
from robotq.model.errors import ERROR_CODES
from robotq.model.json import JsonObject
from robotq.model.texts import Language
from robotq.model.version import __version__


class Described:
    """The document of each interface; made anew when a reload has changed the configuration or
    the commands."""

    def __init__(self, engine: Engine, mounted: Mapping[str, Interface]) -> None:
        """`mounted`: prefix -> the interface that stands there in this application."""
        self._engine = engine
        self._mounted = mounted
        self._made: dict[tuple[str, Language], tuple[Config, Catalog, bytes]] = {}

    async def encoded(self, prefix: str, language: Language = Language.EN) -> bytes:
        """The document of the interface at this prefix, as JSON."""
        config, catalog = self._engine.config, self._engine.catalog
        made = self._made.get((prefix, language))
        if made is None or made[0] is not config or made[1] is not catalog:
            # a tenth of a second of work, which nobody else waits for
            encoded = await asyncio.to_thread(self._encode, prefix, language)
            made = self._made[prefix, language] = (config, catalog, encoded)
        return made[2]

    def _encode(self, prefix: str, language: Language) -> bytes:
        interface = self._mounted[prefix]
        made = document_of(interface, interface.about.schemas(self._engine))
        if language is Language.ZH:
            titles = [spec.title for spec in self._engine.catalog]
            made = in_chinese(
                made, {one["en"]: one["zh"] for one in titles if {"en", "zh"} <= set(one)}
            )
        others = [{"name": one.name, "prefix": at} for at, one in self._mounted.items()]
        return orjson.dumps({**made, "x-prefix": prefix, "x-interfaces": others})


def in_chinese(document: JsonObject, titles: Mapping[str, str] = {}) -> JsonObject:
    """With its summaries and descriptions in Chinese, as far as somebody has translated them; what
    else it says is the same in every language. `titles`: of commands."""
    known: dict[str, str] = dict(titles)
    for name in _IN_CHINESE:
        known |= orjson.loads(Path(__file__).with_name(name).read_bytes())

    def read(value: Any) -> Any:
        if isinstance(value, list):
            return [read(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {
            key: _read(each, known) if key in _SAID and isinstance(each, str) else read(each)
            for key, each in value.items()
        }

    told: JsonObject = read(document)
    return told


_IN_CHINESE = ("zh.json", "zh_fields.json")
"""Of routes and interfaces, and of the fields of what they take and give."""
_SAID = ("summary", "description")
_ERROR = re.compile(r"(- `(\w+)` \(\d+\): ).*", re.ASCII)
_DONE = {
    "becomes a task": "成为一个任务。",
    "answered at once": "立即回答。",
    "answers a running command": "回答正在执行的命令。",
    "acts at once": "立即执行。",
}
_COMMAND = re.compile(rf"(.*): ({'|'.join(_DONE)})\.")


def _read(text: str, known: Mapping[str, str]) -> str:
    """Errors are listed in their own words, and commands say their title and how they are done."""
    if found := _COMMAND.fullmatch(text):
        return f"{known.get(found[1], found[1])}: {_DONE[found[2]]}"
    if not text.startswith("- `"):
        return known.get(text, text)
    return "\n".join(map(_error, text.split("\n")))


def _error(line: str) -> str:
    found = _ERROR.fullmatch(line)
    return line if found is None else found[1] + ERROR_CODES[found[2]].zh


def document_of(interface: Interface, schemas: Mapping[str, JsonObject]) -> JsonObject:
    """`schemas`: what only a running daemon knows."""
    # much that only who asks for a document waits for
    from robotq.api.openapi.spec import document  # noqa: PLC0415

    about = interface.about
    info = {
        "title": about.title,
        "version": __version__,
        "summary": about.summary,
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        "description": about.description,
    }
    return document(interface.routes, info=info, schemas=schemas, error=about.error)


DESCRIBED = web.AppKey("described", Described)
