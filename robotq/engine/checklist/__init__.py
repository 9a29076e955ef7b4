"""Items that people work on."""
