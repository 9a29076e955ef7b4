"""How tasks change: TaskQueue, what may start next, and why a task waits."""
