"""A store in two places: the daemon's own, and one that daemons share."""
