"""What happens to waiting tasks: by people, by the clock, by another configuration."""
