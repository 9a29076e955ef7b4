"""Several daemons in one fleet, over a real PostgreSQL."""
