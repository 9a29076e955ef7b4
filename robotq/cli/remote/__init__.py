"""Commands that speak to a running daemon."""
