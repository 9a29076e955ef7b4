"""Telling people who are not there: one message an incident, kept on disk until it is sent."""
