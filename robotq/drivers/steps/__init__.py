"""Carries out the steps that an operator has written for a command."""
