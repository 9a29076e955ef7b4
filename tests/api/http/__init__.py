"""One request, byte by byte."""
