"""Command specs: what the operator configures about each `cmd_type`."""

from __future__ import annotations

from robotq.catalog.catalog import Catalog, CommandSpec
from robotq.catalog.files import load_catalog
from robotq.model.task import Kind

__all__ = ["Catalog", "CommandSpec", "Kind", "load_catalog"]
