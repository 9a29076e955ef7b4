"""The robot interface: commands for the local robots, at the root of port 8090."""
