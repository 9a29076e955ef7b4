"""Drivers: the code that makes one kind of controller carry out a command."""
