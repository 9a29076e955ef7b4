"""Why queues do not move, and who is told."""
