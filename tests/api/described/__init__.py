"""The interface beside its description."""
