"""What clients speak to: HTTP in, the engine behind it."""
