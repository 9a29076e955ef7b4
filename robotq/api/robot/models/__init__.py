"""Shapes of what the robot interface takes and gives, by what they are about."""
