"""The shapes of what the interfaces answer: see `wire.base`."""
