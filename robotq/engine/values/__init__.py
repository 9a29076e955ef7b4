"""What robots measure: the last number of each value, and its course over the last hour."""
