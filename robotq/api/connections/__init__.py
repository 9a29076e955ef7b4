"""The connections of clients: counted, bounded, let in by small pieces."""
