"""What the engine keeps in memory; the disk stays the truth."""
