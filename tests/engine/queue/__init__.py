"""Tasks change, start, end, and wait."""
