"""The wire, the position, jogging."""
