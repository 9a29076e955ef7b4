"""A hook of mkdocs: what the pages link to outside of docs/ is part of the site too.

On GitHub those links lead to the files themselves. The site has a page for each, below source/,
so that it is whole where there is no internet. Anchors are named as GitHub names them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

_ROOT = Path(__file__).parents[2]
_DOCS = PurePosixPath("docs")
_SOURCE = PurePosixPath("source")
_LINK = re.compile(r"(?<=\]\()([^)\s#]+)(?=[)#])")
_OUTSIDE = re.compile(r"[a-z]+:|/")
_LEXERS = {
    ".ino": "cpp", ".js": "javascript", ".json": "json", ".py": "python", ".service": "ini",
    ".toml": "toml", ".yaml": "yaml", ".yml": "yaml",
}  # fmt: skip


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    config.mdx_configs["toc"]["slugify"] = _anchor
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages of all files that are linked to, also by one another."""
    waiting = [
        target
        for file in files.documentation_pages()
        for target in _targets(_DOCS / file.src_uri, file.content_string)
    ]
    seen: set[PurePosixPath] = set()
    while waiting:
        path = waiting.pop()
        if path in seen or path.is_relative_to(_DOCS):
            continue
        seen.add(path)
        uri = _place(path).as_posix()
        files.append(
            File.generated(config, uri, content=_page(path), inclusion=InclusionLevel.NOT_IN_NAV)
        )
        if (_ROOT / path).is_dir():
            waiting += _listed(path)
        elif path.suffix == ".md":
            waiting += _targets(path, (_ROOT / path).read_text(encoding="utf-8"))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Links to such files lead to their pages."""
    at = PurePosixPath(page.file.src_uri)
    if at.is_relative_to(_SOURCE):
        return markdown
    return _relinked(markdown, _DOCS / at, at)


def _page(path: PurePosixPath) -> str:
    """What the site shows of a file or a folder, given by its path below the root."""
    if (_ROOT / path).is_dir():
        links = "".join(f"- [{each.name}]({_link(each, _place(path))})\n" for each in _listed(path))
        return f"# {path}\n\n{links}"
    text = (_ROOT / path).read_text(encoding="utf-8")
    if path.suffix == ".md":
        return _relinked(text, path, _place(path))
    return f"# {path}\n\n`````{_LEXERS.get(path.suffix, 'text')}\n{text}`````\n"


def _relinked(text: str, path: PurePosixPath, at: PurePosixPath) -> str:
    """The text of the file `path` for the page `at`, with its links leading on."""

    def other(match: re.Match[str]) -> str:
        target = _resolved(path, match[1])
        return match[1] if target is None else _link(target, at)

    return _LINK.sub(other, text)


def _targets(path: PurePosixPath, text: str) -> Iterator[PurePosixPath]:
    """The files to which the text of the file `path` links."""
    yield from filter(None, (_resolved(path, link) for link in _LINK.findall(text)))


def _resolved(path: PurePosixPath, link: str) -> PurePosixPath | None:
    """Where a link in the file `path` leads, below the root; None where it is none to a file."""
    if _OUTSIDE.match(link):
        return None
    target = PurePosixPath(os.path.normpath(path.parent / link))
    return target if (_ROOT / target).exists() else None


def _listed(folder: PurePosixPath) -> list[PurePosixPath]:
    return sorted(folder / each.name for each in (_ROOT / folder).iterdir() if each.is_file())


def _place(path: PurePosixPath) -> PurePosixPath:
    """Which page of the site shows a file."""
    if path.is_relative_to(_DOCS):
        return path.relative_to(_DOCS)
    page = path if path.suffix == ".md" else path.with_name(f"{path.name}.md")
    return _SOURCE / page


def _link(path: PurePosixPath, at: PurePosixPath) -> str:
    return os.path.relpath(_place(path), at.parent)


def _anchor(title: str, separator: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", separator)
