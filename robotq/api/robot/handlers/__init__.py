"""The endpoints of the robot interface, by what they are about."""
