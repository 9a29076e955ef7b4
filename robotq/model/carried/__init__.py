"""What a task brings along or leaves: programs, pictures, values, weights."""
