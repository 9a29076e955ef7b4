"""What remote workers and their interfaces say and are told."""
