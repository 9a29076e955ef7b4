"""From what a client sends to an accepted task."""
