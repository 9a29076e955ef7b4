"""The conversation with one Marlin: what is sent, what comes back, and what got lost."""
