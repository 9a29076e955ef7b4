"""Programs before and while they run."""
