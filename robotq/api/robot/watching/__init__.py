"""The endpoints that only tell: health, metrics, events, alarms, files of tables."""
