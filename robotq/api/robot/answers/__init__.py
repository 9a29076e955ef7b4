"""How the robot interface shows things."""
