"""How commands of the command line show things."""
