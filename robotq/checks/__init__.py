"""What operators have written and what waits, held against each other without a start."""
