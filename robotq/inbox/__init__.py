"""Hot folders: files that are dropped into a folder become tasks."""
