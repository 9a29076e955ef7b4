"""robotq doctor: what on this machine keeps robotq from working."""
