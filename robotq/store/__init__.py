"""The durable truth: one protocol, several stores."""
