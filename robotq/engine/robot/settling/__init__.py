"""What became of a command whose end nobody saw: the device is asked."""
