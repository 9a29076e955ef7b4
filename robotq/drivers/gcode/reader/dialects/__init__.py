"""How each firmware reads lines, one table each."""
