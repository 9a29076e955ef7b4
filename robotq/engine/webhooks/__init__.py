"""Webhooks: what they say, and their way to the receiver."""
