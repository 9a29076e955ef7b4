"""Agents at a daemon: a process that speaks the Model Context Protocol on its standard input and
output, and HTTP with the daemon."""

from __future__ import annotations
