"""Why queues do not move: holds, their way to the disk, and the telling of it."""
