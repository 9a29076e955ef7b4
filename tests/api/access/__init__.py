"""Who may speak to the daemon, and what they may do."""
