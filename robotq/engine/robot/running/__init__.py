"""The parts of an executor: how a command is begun, asked, given up, and waited for."""
