"""What people and programs do to queues and robots, besides handing commands in."""
