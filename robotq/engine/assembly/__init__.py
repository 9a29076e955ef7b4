"""How an engine is put together, from the bottom to the top, and what a start finds."""
