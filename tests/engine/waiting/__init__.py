"""What happens to waiting tasks."""
