"""Commands that only look at a running daemon."""
