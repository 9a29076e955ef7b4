"""The machine below the daemon: sockets, descriptors, the watch on the loop."""
