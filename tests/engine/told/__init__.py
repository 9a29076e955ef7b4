"""What happened, and those who listen."""
