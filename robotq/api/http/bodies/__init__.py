"""Bodies that are large, packed, or files."""
