"""The fleet over HTTP, below /fleet: what all daemons do, and what daemons ask each other."""
