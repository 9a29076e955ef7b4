"""What the robot interface takes, by what it is about."""
