"""The task queue interface: jobs for workers that poll."""
