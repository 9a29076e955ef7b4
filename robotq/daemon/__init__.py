"""A daemon as a whole: put together, kept up, backed up."""
