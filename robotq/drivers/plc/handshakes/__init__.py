"""The handshake of one command with a PLC, and what keeps a station from beginning one."""
