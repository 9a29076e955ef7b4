"""Reads programs: what a controller is sent is known word by word before the first byte leaves."""
