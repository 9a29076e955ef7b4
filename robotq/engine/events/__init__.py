"""What happened: rows of the journal, and those who listen."""
