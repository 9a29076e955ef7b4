"""How records are kept: the same in each database."""
