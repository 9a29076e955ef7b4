"""Drivers: the code that makes one kind of controller carry out a command."""

from __future__ import annotations
