"""Commands that run, look at or keep a daemon on this machine."""
