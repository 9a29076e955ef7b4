"""Robots of ROS 1: what is different with them."""
