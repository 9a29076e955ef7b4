"""The texts of programs, in files beside the database."""
