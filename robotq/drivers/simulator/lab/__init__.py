"""The one lab in which all simulated robots work: its places, what is where, how it looks."""
