"""A robot that two machines can drive."""
