"""Devices beside a robot."""
