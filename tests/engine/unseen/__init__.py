"""Commands whose end nobody saw."""
