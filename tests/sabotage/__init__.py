"""Each promise broken on purpose, one at a time: a test has to find it."""
