"""What the dashboard asks for."""
