"""Stops, and what is left behind."""
