"""Queues, executors, holds, recovery. Knows no interface, and no store or driver by name."""
