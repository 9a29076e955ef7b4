"""One robot: its driver's threads, its executor, its stop."""
