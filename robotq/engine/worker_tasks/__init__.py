"""Tasks that remote workers do."""
