"""One robot: its links, its stops, its questions."""
