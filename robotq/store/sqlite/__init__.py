"""The store in one SQLite file: durable, one writer, many readers."""
