"""The dispatcher interface: tasks for workers that are connected, in groups."""
