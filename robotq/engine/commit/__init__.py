"""The one way to the disk: locked, written, then told."""
