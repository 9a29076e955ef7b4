"""The checklist interface: items that people work on, batches of them, sessions."""
